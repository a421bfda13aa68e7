// The commands of MongoDB that the sessions service and its driver send, on collections in memory.
"use strict";

const { Query, Aggregator, update: applyUpdate } = require("mingo");
// Registers all stages and operators.
require("mingo/init/system");

/** An error with a code of MongoDB. */
class CommandError extends Error {
    constructor(code, codeName, message) {
        super(message);
        Object.assign(this, { code, codeName });
    }

    fields() {
        return { code: this.code, codeName: this.codeName, errmsg: this.message };
    }
}

/** All collections. Commands run one at a time, so each is atomic. */
class Database {
    constructor() {
        this.collections = new Map();
    }

    /** Executes a command. Its first key is its name, and usually the value is the name of a collection. */
    execute(command) {
        const name = Object.keys(command)[0];
        if (!Object.hasOwn(COMMANDS, name)) {
            throw new CommandError(59, "CommandNotFound", `no such command: '${name}'`);
        }
        return COMMANDS[name](this, command, `${command.$db}.${command[name]}`);
    }

    /** Returns the documents of a collection by `_id`, in the order of their insertion. */
    documents(namespace) {
        if (!this.collections.has(namespace)) this.collections.set(namespace, new Map());
        return this.collections.get(namespace);
    }

    /** Returns the documents that match a filter, in order. */
    matching(namespace, filter, { sort, skip = 0, limit = 0, projection } = {}) {
        if (skip < 0) {
            const message = `BSON field 'skip' value must be >= 0, actual value '${skip}'`;
            throw new CommandError(51024, "Location51024", message);
        }
        const documents = this.documents(namespace);
        // The lookup by `_id` that nearly every command makes.
        const id = Object.keys(filter).length === 1 && typeof filter._id === "string" ? filter._id : null;
        const candidates = id === null ? [...documents.values()] : documents.has(key(id)) ? [documents.get(key(id))] : [];
        const cursor = new Query(filter).find(candidates, projection);
        if (sort && Object.keys(sort).length > 0) cursor.sort(sort);
        // A negative limit is for a single batch, and all results are.
        const count = Math.abs(limit);
        return count > 0 ? cursor.skip(skip).limit(count).all() : cursor.skip(skip).all();
    }

    insert(namespace, document) {
        const documents = this.documents(namespace), id = key(document._id);
        if (documents.has(id)) {
            const message = `E11000 duplicate key error collection: ${namespace} index: _id_ dup key: { _id: ${id} }`;
            throw new CommandError(11000, "DuplicateKey", message);
        }
        documents.set(id, document);
    }

    /** Replaces a document, or changes it with operators. Returns the result, and whether it differs. */
    change(namespace, document, changes) {
        const before = JSON.stringify(document);
        const changed = isReplacement(changes) ? { _id: document._id, ...changes } : structuredClone(document);
        if (!isReplacement(changes)) applyUpdate(changed, changes);
        if (key(changed._id) !== key(document._id)) {
            throw new CommandError(66, "ImmutableField", "the field '_id' cannot be changed");
        }
        this.documents(namespace).set(key(document._id), changed);
        return { changed, differs: JSON.stringify(changed) !== before };
    }

    delete(namespace, document) {
        this.documents(namespace).delete(key(document._id));
    }
}

function key(id) {
    return JSON.stringify(id);
}

function isReplacement(changes) {
    return !Object.keys(changes).some(name => name.startsWith("$"));
}

/** Returns a new document for a filter that nothing matches. */
function upserted(filter, changes) {
    const equal = Object.entries(filter).filter(([name, value]) => !name.startsWith("$") && typeof value !== "object");
    const document = Object.fromEntries(equal);
    if (isReplacement(changes)) return { ...document, ...changes };
    applyUpdate(document, changes);
    return document;
}

function cursor(namespace, firstBatch) {
    return { cursor: { id: 0n, ns: namespace, firstBatch } };
}

/** Applies `write` to each element, up to the first error if the writes are ordered. */
function writeAll(command, elements, write) {
    const writeErrors = [];
    for (const [index, element] of elements.entries()) {
        try {
            write(element, index);
        } catch (error) {
            if (!(error instanceof CommandError)) throw error;
            writeErrors.push({ index, ...error.fields() });
            if (command.ordered !== false) break;
        }
    }
    return writeErrors.length > 0 ? { writeErrors } : {};
}

function hello() {
    return {
        helloOk: true,
        isWritablePrimary: true,
        ismaster: true,
        maxBsonObjectSize: 16777216,
        maxMessageSizeBytes: 48000000,
        maxWriteBatchSize: 100000,
        localTime: new Date(),
        minWireVersion: 0,
        maxWireVersion: 17,
        readOnly: false,
    };
}

const nothing = () => ({});

const COMMANDS = {
    hello,
    ismaster: hello,
    isMaster: hello,
    ping: nothing,
    endSessions: nothing,
    killCursors: nothing,
    createIndexes: nothing,

    insert(database, command, namespace) {
        let n = 0;
        const errors = writeAll(command, command.documents, document => {
            database.insert(namespace, document);
            n += 1;
        });
        return { n, ...errors };
    },

    find(database, command, namespace) {
        return cursor(namespace, database.matching(namespace, command.filter ?? {}, command));
    },

    aggregate(database, command, namespace) {
        const documents = [...database.documents(namespace).values()];
        return cursor(namespace, new Aggregator(command.pipeline).run(documents));
    },

    count(database, command, namespace) {
        return { n: database.matching(namespace, command.query ?? {}, command).length };
    },

    update(database, command, namespace) {
        let n = 0, nModified = 0;
        const upserts = [];
        const errors = writeAll(command, command.updates, ({ q, u, multi, upsert }, index) => {
            const found = database.matching(namespace, q, { limit: multi ? 0 : 1 });
            for (const document of found) {
                n += 1;
                if (database.change(namespace, document, u).differs) nModified += 1;
            }
            if (found.length === 0 && upsert) {
                const document = upserted(q, u);
                database.insert(namespace, document);
                n += 1;
                upserts.push({ index, _id: document._id });
            }
        });
        return { n, nModified, ...(upserts.length > 0 && { upserted: upserts }), ...errors };
    },

    delete(database, command, namespace) {
        let n = 0;
        const errors = writeAll(command, command.deletes, ({ q, limit }) => {
            for (const document of database.matching(namespace, q, { limit })) {
                database.delete(namespace, document);
                n += 1;
            }
        });
        return { n, ...errors };
    },

    findAndModify(database, command, namespace) {
        const { query = {}, sort, fields, update, remove, upsert } = command;
        const [found] = database.matching(namespace, query, { sort, limit: 1 });
        const shown = document => (document && fields ? new Query({}).find([document], fields).next() : document) ?? null;
        if (remove) {
            if (found) database.delete(namespace, found);
            return { value: shown(found), lastErrorObject: { n: found ? 1 : 0 } };
        }
        if (found) {
            const { changed } = database.change(namespace, found, update);
            return { value: shown(command.new ? changed : found), lastErrorObject: { n: 1, updatedExisting: true } };
        }
        if (!upsert) return { value: null, lastErrorObject: { n: 0, updatedExisting: false } };
        const document = upserted(query, update);
        database.insert(namespace, document);
        const lastErrorObject = { n: 1, updatedExisting: false, upserted: document._id };
        return { value: command.new ? shown(document) : null, lastErrorObject };
    },
};

module.exports = { Database, CommandError };
