// The calls that the service makes, and others of the same kinds, by the driver that it makes them with.
"use strict";

const assert = require("node:assert/strict");
const net = require("node:net");
const { after, before, beforeEach, test } = require("node:test");
const { MongoClient } = require("mongodb");
const { createServer } = require("./server");

const server = createServer();
let client, sessions;

before(async () => {
    await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
    client = await MongoClient.connect(`mongodb://127.0.0.1:${server.address().port}/app`);
    sessions = client.db().collection("sessions");
});

beforeEach(async () => {
    await sessions.deleteMany({});
});

after(async () => {
    await client.close();
    server.close();
});

const time = seconds => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));

/** Inserts a session for each letter, a second apart; the even ones are closed. */
const insert = letters =>
    sessions.insertMany(
        [...letters].map((letter, index) => ({
            _id: letter,
            user_id: letter < "c" ? "1" : "2",
            active: index % 2 === 0,
            request_time: time(index),
            data: { index },
        })),
    );

const ids = async (filter, options) => (await sessions.find(filter, options).toArray()).map(({ _id }) => _id).join("");

test("values and the order of keys survive", async () => {
    const document = {
        _id: "a",
        z: null,
        active: false,
        time: new Date(1),
        string: "ä\u0000\u{1f600}",
        numbers: [0, -1, 2 ** 31, 2 ** 53, 0.5, 1e300, -2147483649],
        nested: { "a.b": { $c: [] }, "": {}, b: [null, true, { d: [[1]] }] },
    };
    await sessions.insertOne(structuredClone(document));
    const found = await sessions.findOne({ _id: "a" });
    assert.deepEqual(found, document);
    assert.equal(JSON.stringify(found), JSON.stringify(document));
});

test("a second document with the same id is rejected", async () => {
    await insert("a");
    await assert.rejects(sessions.insertOne({ _id: "a" }), { code: 11000 });
    await assert.rejects(sessions.insertMany([{ _id: "b" }, { _id: "a" }, { _id: "c" }]), { code: 11000 });
    assert.equal(await ids({}), "ab");
    await assert.rejects(sessions.insertMany([{ _id: "a" }, { _id: "c" }], { ordered: false }), { code: 11000 });
    assert.equal(await ids({}), "abc");
});

test("filters select by equality, by range and by both", async () => {
    await insert("abcdef");
    assert.equal(await ids({}), "abcdef");
    assert.equal(await ids({ _id: "b" }), "b");
    assert.equal(await ids({ _id: "none" }), "");
    assert.equal(await ids({ _id: { $in: ["f", "a", "x"] } }), "af");
    assert.equal(await ids({ $and: [{ user_id: "2" }] }), "cdef");
    assert.equal(await ids({ $and: [{ active: false }, { user_id: "2" }] }), "df");
    assert.equal(await ids({ $and: [{ _id: "c" }, { user_id: "1" }] }), "");
    assert.equal(await ids({ $and: [{ request_time: { $gte: time(2) } }] }), "cdef");
    assert.equal(await ids({ $and: [{ request_time: { $lt: time(2) } }] }), "ab");
    assert.equal(await ids({ $and: [{ request_time: { $gte: time(1) } }, { request_time: { $lt: time(3) } }] }), "bc");
    // A string is not a time, and null also means absent.
    assert.equal(await ids({ request_time: { $gte: "2026" } }), "");
    assert.equal(await ids({ close_time: null, active: true }), "ace");
});

test("lists are sorted, skipped, limited and projected", async () => {
    await insert("abcdef");
    assert.equal(await ids({}, { sort: { request_time: -1 } }), "fedcba");
    assert.equal(await ids({}, { sort: { active: 1, request_time: -1 } }), "fdbeca");
    // The service sorts by a key that does not exist.
    assert.equal(await ids({}, { sort: "-request_time" }), "abcdef");
    assert.equal(await ids({}, { skip: 2, limit: 3 }), "cde");
    assert.equal(await ids({}, { skip: 6 }), "");
    assert.equal(await ids({}, { limit: 0 }), "abcdef");
    assert.equal(await ids({}, { limit: -2 }), "ab");
    const [found] = await sessions.find({ _id: "a" }, { projection: { user: 0, data: 0 } }).toArray();
    assert.deepEqual(Object.keys(found), ["_id", "user_id", "active", "request_time"]);
    await assert.rejects(sessions.find({}, { skip: -1 }).toArray(), { code: 51024 });
});

test("more documents than a batch are listed", async () => {
    await sessions.insertMany(Array.from({ length: 1000 }, (_, index) => ({ _id: String(index) })));
    assert.equal((await sessions.find().toArray()).length, 1000);
});

test("documents are counted", async () => {
    assert.equal(await sessions.countDocuments({}), 0);
    await insert("abcdef");
    assert.equal(await sessions.countDocuments({}), 6);
    assert.equal(await sessions.countDocuments({ $and: [{ user_id: "2" }, { active: true }] }), 2);
    assert.equal(await sessions.estimatedDocumentCount(), 6);
});

test("a document is found and updated", async () => {
    await insert("abc");
    const update = (id, set, options) => sessions.findOneAndUpdate({ _id: id }, { $set: set }, options);
    const after = { returnDocument: "after" };
    const changed = await update("b", { data: { $x: { "y.z": 0 } }, user: null, close_time: time(9) }, after);
    assert.deepEqual(changed.value.data, { $x: { "y.z": 0 } });
    assert.deepEqual(Object.keys(changed.value).slice(-2), ["user", "close_time"]);
    assert.deepEqual(await sessions.findOne({ _id: "b" }), changed.value);
    assert.equal((await update("b", { user: 1 }, {})).value.user, null);
    assert.equal((await update("none", { user: 1 }, after)).value, null);
    await assert.rejects(update("a", { _id: "other" }, after), { code: 66 });
    assert.equal(await ids({}), "abc");
});

test("a document is replaced, or inserted", async () => {
    await insert("ab");
    const replace = id => sessions.findOneAndReplace({ _id: id }, { _id: id, n: 1 }, { upsert: true, returnDocument: "after" });
    assert.deepEqual((await replace("a")).value, { _id: "a", n: 1 });
    assert.deepEqual((await replace("c")).value, { _id: "c", n: 1 });
    assert.equal(await ids({}), "abc");
});

test("a document is found and deleted", async () => {
    await insert("abc");
    assert.equal((await sessions.findOneAndDelete({ _id: "b" })).value.data.index, 1);
    assert.equal((await sessions.findOneAndDelete({ _id: "b" })).value, null);
    assert.equal(await ids({}), "ac");
});

test("many documents are updated and deleted", async () => {
    await insert("abcdef");
    const expired = { request_time: { $lt: time(4) }, active: true };
    const closed = { $set: { active: false, user: null } };
    assert.deepEqual(pick(await sessions.updateMany(expired, closed)), [2, 2]);
    assert.deepEqual(pick(await sessions.updateMany({ _id: "a" }, closed)), [1, 0]);
    assert.equal(await ids({ active: true }), "e");
    assert.equal((await sessions.deleteMany({ _id: { $in: ["a", "b", "x"] } })).deletedCount, 2);
    assert.equal((await sessions.deleteOne({})).deletedCount, 1);
    assert.equal(await ids({}), "def");
});

const pick = ({ matchedCount, modifiedCount }) => [matchedCount, modifiedCount];

test("simultaneous changes of a document are not lost", async () => {
    await insert("a");
    const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
    await Promise.all(keys.map(key => sessions.updateOne({ _id: "a" }, { $set: { [key]: true } })));
    const found = await sessions.findOne({ _id: "a" });
    assert.ok(keys.every(key => found[key]));
});

test("an unknown command or operator is an error", async () => {
    await assert.rejects(client.db().command({ unheardOf: 1 }), { code: 59 });
    await assert.rejects(sessions.find({ a: { $unheardOf: 1 } }).toArray(), { code: 2 });
    assert.equal((await client.db().command({ ping: 1 })).ok, 1);
});

test("a malformed message closes the connection", async () => {
    for (const message of ["0000000000000000", "ffffff7f000000000000000000000000", "1000000000000000000000000f000000"]) {
        const socket = net.connect(server.address().port, "127.0.0.1");
        socket.write(Buffer.from(message, "hex"));
        if (message.length < 32) socket.end();
        await new Promise(resolve => socket.on("close", resolve));
    }
    assert.equal(await sessions.countDocuments({}), 0);
});
