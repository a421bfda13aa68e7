// The wire protocol of MongoDB over TCP: OP_MSG, and OP_QUERY for the first message of a connection.
"use strict";

const net = require("net");
const { BSON } = require("bson");
const { Database, CommandError } = require("./database");

const HEADER = 16;
const MAX_MESSAGE = 48000000;
const OP_REPLY = 1, OP_QUERY = 2004, OP_MSG = 2013;
const CHECKSUM_PRESENT = 1, MORE_TO_COME = 2;

/** Returns a server that is not listening yet. Its collections are empty, and are lost with it. */
function createServer() {
    const database = new Database();
    return net.createServer(socket => {
        let pending = Buffer.alloc(0);
        socket.setNoDelay(true);
        socket.on("error", () => socket.destroy());
        socket.on("data", data => {
            pending = Buffer.concat([pending, data]);
            try {
                while (pending.length >= HEADER) {
                    const length = pending.readInt32LE(0);
                    if (length < HEADER || length > MAX_MESSAGE) throw new Error("invalid length of a message");
                    if (pending.length < length) return;
                    const reply = respond(database, pending.subarray(0, length));
                    if (reply) socket.write(reply);
                    pending = pending.subarray(length);
                }
            } catch {
                // A message that cannot be read: nothing after it can be either.
                socket.destroy();
            }
        });
    });
}

/** Returns the reply to a message, or null if the client wants none. */
function respond(database, message) {
    const id = message.readInt32LE(4);
    switch (message.readInt32LE(12)) {
        case OP_MSG: {
            const { command, wantsReply } = readMessage(message);
            const result = execute(database, command);
            return wantsReply ? frame(OP_MSG, id, [Buffer.alloc(5), BSON.serialize(result)]) : null;
        }
        case OP_QUERY: {
            // Flags, the name of the collection, numbers to skip and return, then the command.
            const command = BSON.deserialize(message.subarray(cstringEnd(message, HEADER + 4) + 8), LAX);
            const fields = Buffer.alloc(20);
            fields.writeInt32LE(1, 16);
            return frame(OP_REPLY, id, [fields, BSON.serialize(execute(database, command))]);
        }
        default:
            throw new Error("unknown kind of message");
    }
}

const LAX = { allowObjectSmallerThanBufferSize: true };

/** Reads the sections of an OP_MSG: the command itself, and lists of documents that belong to it. */
function readMessage(message) {
    const flags = message.readUInt32LE(HEADER);
    const end = message.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
    const lists = {};
    let command, at = HEADER + 4;
    while (at < end) {
        const kind = message[at++];
        const sectionEnd = at + message.readInt32LE(at);
        if (sectionEnd > end || sectionEnd <= at) throw new Error("invalid length of a section");
        if (kind === 0) {
            command = BSON.deserialize(message.subarray(at, sectionEnd));
        } else if (kind === 1) {
            let document = cstringEnd(message, at + 4);
            const name = message.toString("utf8", at + 4, document - 1);
            lists[name] = [];
            while (document < sectionEnd) {
                const next = document + message.readInt32LE(document);
                lists[name].push(BSON.deserialize(message.subarray(document, next)));
                document = next;
            }
        } else {
            throw new Error("unknown kind of section");
        }
        at = sectionEnd;
    }
    return { command: { ...command, ...lists }, wantsReply: !(flags & MORE_TO_COME) };
}

/** Returns the offset after the zero byte of a string. */
function cstringEnd(message, start) {
    const zero = message.indexOf(0, start);
    if (zero < 0) throw new Error("a string without an end");
    return zero + 1;
}

function execute(database, command) {
    try {
        return { ...database.execute(command), ok: 1 };
    } catch (error) {
        if (error instanceof CommandError) return { ok: 0, ...error.fields() };
        // An operator that mingo does not know, or uses differently.
        return { ok: 0, code: 2, codeName: "BadValue", errmsg: String(error.message) };
    }
}

function frame(opcode, responseTo, parts) {
    const header = Buffer.alloc(HEADER);
    header.writeInt32LE(parts.reduce((length, part) => length + part.length, HEADER), 0);
    header.writeInt32LE(responseTo, 8);
    header.writeInt32LE(opcode, 12);
    return Buffer.concat([header, ...parts]);
}

module.exports = { createServer };
