// Calls every operation of the official Node client and prints the results.
//
//   SESSIONS_URL=http://127.0.0.1:8080 node transcript.js
//
// Prints each call with its arguments, followed by its value or error. Ids and times are replaced by placeholders, times in
// chronological order, so that the transcripts of two services can be compared line by line. Only for a service that
// nothing else uses, since it closes expired sessions.
'use strict';

const { randomUUID } = require('crypto');

// Warnings of the libraries about themselves are not part of the transcript.
process.noDeprecation = true;
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const uri = process.env.SESSIONS_URL;
if (!uri) {
    console.error('usage: SESSIONS_URL=http://host:port node transcript.js');
    process.exit(64);
}
const { ConfigParams, FilterParams, PagingParams } = require('pip-services3-commons-nodex');
const { SessionsCommandableHttpClientV1 } = require('client-sessions-node');

const TIME = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g;
const userId = `node client/${randomUUID()}`;
const names = new Map([[userId, '<user>'], [uri, '<uri>']]);
const moments = new Map();
const opened = [];
const lines = [];
let latest = 0;

// Waits so that each call has a distinct time, and changed times are detectable.
async function waitForNextTick() {
    while (Date.now() <= latest) await new Promise(resolve => setTimeout(resolve, 1));
}

function learn(value) {
    for (const session of Array.isArray(value?.data) && !value.id ? value.data : [value]) {
        if (!session?.id || !session.open_time) continue;
        if (!names.has(session.id)) {
            names.set(session.id, `<id:${opened.length + 1}>`);
            opened.push(session.id);
        }
        // A close reads the clock twice, a few milliseconds apart at most; both times share a placeholder.
        const between = Date.parse(session.close_time) - Date.parse(session.request_time);
        if (between > 0 && between <= 5) moments.set(session.close_time, session.request_time);
        latest = Math.max(latest, Date.parse(session.request_time));
    }
}

function error(error) {
    const shown = { is: error.constructor.name };
    for (const key of ['name', 'code', 'category', 'status', 'message', 'details', 'cause']) {
        if (error[key] !== undefined) shown[key] = error[key];
    }
    return `rejects ${JSON.stringify(shown)}`;
}

const show = value => (value === undefined ? 'undefined' : JSON.stringify(value));

async function call(client, name, ...args) {
    await waitForNextTick();
    let outcome;
    try {
        const value = await client[name]('transcript', ...args);
        learn(value);
        outcome = `returns ${show(value)}`;
    } catch (reason) {
        outcome = error(reason);
    }
    lines.push(`${name}(${args.map(show).join(', ')})\n    ${outcome}`);
}

async function connect(...settings) {
    const client = new SessionsCommandableHttpClientV1();
    client.configure(ConfigParams.fromTuples(
        'connection.uri', uri, 'options.retries', 1, 'options.connect_timeout', 2000, 'options.timeout', 5000,
        ...settings
    ));
    await client.open(null);
    return client;
}

async function main() {
    const client = await connect();
    const chapter = title => lines.push(`\n# ${title}\n`);
    const unknown = '0'.repeat(32);
    try {
        chapter('Opening');
        await call(client, 'openSession', userId, 'Zoë 日本 😀', 'localhost', 'test', { roles: ['a'] }, { k: [1.5, null] });
        await call(client, 'openSession', userId, null, null, null, null, null);
        await call(client, 'openSession', userId);
        await call(client, 'openSession', userId, '', '', '', 0, false);
        await call(client, 'openSession', null, 'n', null, null, null, null);
        await call(client, 'openSession', 1, true, ['a'], { a: 1 }, null, null);
        const [first, second] = opened;

        chapter('Reading');
        await call(client, 'getSessionById', first);
        await call(client, 'getSessionById', unknown);
        await call(client, 'getSessionById', '');
        await call(client, 'getSessionById', null);
        await call(client, 'getSessionById', 5);

        chapter('Changing');
        await call(client, 'storeSessionData', first, { 'ключ': [], b: 1, 10: 2 });
        await call(client, 'storeSessionData', first, 'text');
        await call(client, 'storeSessionData', first, false);
        await call(client, 'storeSessionData', first, null);
        await call(client, 'storeSessionData', first, undefined);
        await call(client, 'storeSessionData', unknown, 1);
        await call(client, 'storeSessionData', null, null);
        await call(client, 'updateSessionUser', first, { id: userId });
        await call(client, 'updateSessionUser', first, 0);
        await call(client, 'updateSessionUser', first, null);
        await call(client, 'updateSessionUser', unknown, 'x');
        await call(client, 'updateSessionUser', true, 'x');

        chapter('Listing');
        const mine = (...more) => FilterParams.fromTuples('user_id', userId, ...more);
        await call(client, 'getSessions', mine(), null);
        await call(client, 'getSessions', mine(), new PagingParams(0, 2, true));
        await call(client, 'getSessions', mine(), new PagingParams(3, 2, true));
        await call(client, 'getSessions', mine(), new PagingParams(9, 2, false));
        await call(client, 'getSessions', mine('active', false), new PagingParams(0, 10, true));
        await call(client, 'getSessions', mine('active', 'Y', 'id', second), null);
        await call(client, 'getSessions', mine('to_time', new Date(0)), new PagingParams(0, 1, true));
        await call(client, 'getSessions', mine('from_time', new Date(0)), new PagingParams(0, 1, true));
        await call(client, 'getSessions', ['a'], null);
        await call(client, 'getSessions', mine(), { skip: '1', take: '2', total: 1 });

        chapter('Closing');
        await call(client, 'closeSession', first);
        await call(client, 'closeSession', first);
        await call(client, 'getSessionById', first);
        await call(client, 'storeSessionData', first, { late: 1 });
        await call(client, 'closeSession', unknown);
        await call(client, 'closeSession', null);
        await call(client, 'getSessions', mine('active', false), null);
        await call(client, 'closeExpiredSessions');

        chapter('Deleting');
        await call(client, 'deleteSessionById', first);
        await call(client, 'deleteSessionById', first);
        await call(client, 'getSessionById', first);
        await call(client, 'deleteSessionById', second);
        await call(client, 'deleteSessionById', []);

        chapter('Other locations of the correlation id');
        for (const place of ['headers', 'both']) {
            const other = await connect('options.correlation_id_place', place);
            await call(other, 'getSessionById', unknown);
            await other.close(null);
        }

        chapter('An unknown route');
        const lost = await connect('base_route', 'v2/sessions');
        await call(lost, 'openSession', userId, null, null, null, null, null);
        await call(lost, 'closeExpiredSessions');
        await lost.close(null);
    } finally {
        for (const id of opened) await client.deleteSessionById(null, id).catch(() => {});
        await client.close(null);
    }
}

function named() {
    let text = lines.join('\n');
    for (const [known, name] of [...names, ...moments]) text = text.replaceAll(known, name);
    // The Unix epoch is an argument, not part of a response.
    const times = [...new Set(text.match(TIME) ?? [])].filter(time => !time.startsWith('1970')).sort();
    return text.replace(TIME, time => (times.includes(time) ? `<t${times.indexOf(time) + 1}>` : time));
}

main().then(
    () => {
        process.stdout.write(`${named().trim()}\n`, () => process.exit(0));
    },
    reason => {
        console.error(reason.stack);
        process.exit(1);
    }
);
