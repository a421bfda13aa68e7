// The life of a session through the official Node client, every answer of it checked.
//
//   node lifecycle.js [PORT]
//
// The service is at 127.0.0.1:PORT, or at $SESSIONS_URL. Prints a line for each step and ends with 0; the first
// answer that is not as it should be is told and ends it with 1.
'use strict';

const assert = require('assert').strict;
const { randomUUID } = require('crypto');

// Warnings of the libraries about themselves would bury what this program has to say.
process.noDeprecation = true;
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

function load() {
    try {
        return { ...require('pip-services3-commons-nodex'), ...require('client-sessions-node') };
    } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND') throw error;
        console.error('The client is not installed. Install it with');
        console.error(`    (cd ${__dirname} && npm ci --ignore-scripts --no-audit --no-fund)`);
        process.exit(69);
    }
}

function address() {
    const port = process.argv[2];
    if (port !== undefined && /^[1-9][0-9]{0,4}$/.test(port)) return `http://127.0.0.1:${port}`;
    if (port === undefined && process.env.SESSIONS_URL) return process.env.SESSIONS_URL;
    console.error('usage: node lifecycle.js PORT, or SESSIONS_URL=http://host:port node lifecycle.js');
    process.exit(64);
}

const uri = address();
const {
    ConfigParams, FilterParams, PagingParams, SessionsCommandableHttpClientV1
} = load();

const ID = /^[0-9a-f]{32}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const KEYS = [
    'id', 'user_id', 'user_name', 'active', 'open_time', 'request_time', 'address', 'client', 'user', 'data'
];
const LISTED = KEYS.filter(key => key !== 'user' && key !== 'data');

// The one place that says what a session looks like: its keys and their order, and the form of its times.
function checkSession(session, expected, keys) {
    const expectedKeys = expected.active ? keys : [...keys, 'close_time'];
    assert.deepEqual(Object.keys(session), expectedKeys, 'the keys of a session, in their order');
    assert.match(session.id, ID, 'the id of a session');
    for (const key of expectedKeys.filter(key => key.endsWith('_time'))) {
        assert.match(session[key], TIME, key);
    }
    assert(session.request_time >= session.open_time, 'request_time is not before open_time');
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(session[key], value, key);
}

async function rejection(call) {
    try {
        await call;
    } catch (error) {
        return error;
    }
    assert.fail('the service accepted what it should refuse');
}

async function main() {
    const client = new SessionsCommandableHttpClientV1();
    client.configure(ConfigParams.fromTuples(
        'connection.uri', uri,
        'options.retries', 1,
        'options.connect_timeout', 2000,
        'options.timeout', 5000
    ));
    await client.open(null);

    const call = `lifecycle of ${randomUUID()}`;
    const userId = `node client/${randomUUID()}`;
    const opened = [];
    const step = text => console.log(`ok   ${text}`);
    try {
        const user = { id: userId, roles: ['reader'] };
        const session = await client.openSession(
            call, userId, 'Zoë 日本', 'localhost', 'test', user, { cart: [] }
        );
        opened.push(session.id);
        const expected = {
            user_id: userId, user_name: 'Zoë 日本', active: true, address: 'localhost', client: 'test',
            user, data: { cart: [] }
        };
        checkSession(session, expected, KEYS);
        assert.equal(session.request_time, session.open_time, 'a new session was never changed');
        step('open_session with every argument');

        const bare = await client.openSession(call, userId, null, null, null, null, null);
        opened.push(bare.id);
        checkSession(bare, {
            user_id: userId, user_name: null, active: true, address: null, client: null, user: null, data: null
        }, KEYS);
        step('open_session with the user id alone');

        expected.data = { cart: [{ book: 1, price: 9.5 }], note: 'ключ' };
        checkSession(await client.storeSessionData(call, session.id, expected.data), expected, KEYS);
        step('store_session_data');

        checkSession(await client.getSessionById(call, session.id), expected, KEYS);
        step('get_session_by_id');

        expected.user = { id: userId, roles: [] };
        checkSession(await client.updateSessionUser(call, session.id, expected.user), expected, KEYS);
        step('update_session_user');

        const refusal = await rejection(client.storeSessionData(call, session.id, null));
        assert.equal(refusal.name ?? refusal.code, 'INVALID_DATA');
        assert.equal(refusal.category, 'BadRequest');
        assert.equal(refusal.message, 'Validation failed: data must not be null');
        step('store_session_data of null is refused');

        const everything = await client.getSessions(
            call, FilterParams.fromTuples('user_id', userId, 'active', true), new PagingParams(0, 100, true)
        );
        assert.equal(everything.total, 2);
        assert.deepEqual(everything.data.map(session => session.id).sort(), [...opened].sort());
        for (const session of everything.data) checkSession(session, { user_id: userId, active: true }, LISTED);
        const second = await client.getSessions(
            call, FilterParams.fromTuples('user_id', userId), new PagingParams(1, 1, false)
        );
        assert.equal(second.total, null);
        assert.equal(second.data.length, 1);
        step('get_sessions');

        Object.assign(expected, { active: false, user: null, data: null });
        checkSession(await client.closeSession(call, session.id), expected, KEYS);
        checkSession(await client.getSessionById(call, session.id), expected, KEYS);
        step('close_session');

        checkSession(await client.deleteSessionById(call, session.id), expected, KEYS);
        assert.equal(await client.deleteSessionById(call, session.id), null);
        assert.equal(await client.getSessionById(call, session.id), null);
        step('delete_session_by_id');
    } finally {
        for (const id of opened) await client.deleteSessionById(call, id).catch(() => {});
        await client.close(null);
    }
}

main().then(
    () => {
        console.log(`the official Node client and ${uri} understand each other`);
        // The client leaves its connections open, and the process would wait for them.
        process.exit(0);
    },
    error => {
        console.error(`FAIL ${error.message}`);
        console.error(error.stack);
        process.exit(1);
    }
);
