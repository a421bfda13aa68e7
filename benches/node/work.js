// Makes calls with the official client, and prints the same JSON object as `sessions-bench work`.
//
//   node work.js OPERATION URL --callers N --warm-up N --seconds N [--commandable-grpc]
'use strict';

const path = require('path');
const { createRequire } = require('module');
const { parseArgs } = require('util');

const providers = path.join(__dirname, '../../snapshots/providers/client-sessions-node/package.json');
const load = createRequire(providers);
const { ConfigParams } = load('pip-services3-commons-nodex');
const { SessionsCommandableGrpcClientV1, SessionsCommandableHttpClientV1 } = load('client-sessions-node');

const string = { type: 'string' };
const { values, positionals: [operation, url] } = parseArgs({
    options: { callers: string, 'warm-up': string, seconds: string, 'commandable-grpc': { type: 'boolean' } },
    allowPositionals: true
});

const data = { cart: ['book', 'pen'] };
const operations = {
    async open_session(client) {
        const session = await client.openSession(null, 'user-1', 'User 1', '127.0.0.1', 'bench', null, data);
        if (!session.id) throw new Error('the session has no id');
    },
    async get_sessions(client) {
        const page = await client.getSessions(null, null, null);
        if (page.data.length !== 100) throw new Error(`received ${page.data.length} sessions instead of 100`);
    }
};

async function main() {
    const Client = values['commandable-grpc'] ? SessionsCommandableGrpcClientV1 : SessionsCommandableHttpClientV1;
    const client = new Client();
    client.configure(ConfigParams.fromTuples('connection.uri', url, 'options.timeout', 10000));
    await client.open(null);
    const call = operations[operation];
    const each = work => Promise.all(Array.from({ length: Number(values.callers) }, work));
    await each(async () => {
        for (let left = Number(values['warm-up']); left > 0; left--) await call(client);
    });

    const micros = [];
    const begin = performance.now();
    const cpu = process.cpuUsage();
    const end = begin + Number(values.seconds) * 1000;
    await each(async () => {
        for (let due = performance.now(); due < end;) {
            await call(client);
            const done = performance.now();
            micros.push((done - due) * 1000);
            due = done;
        }
    });
    const seconds = (performance.now() - begin) / 1000;
    const { user, system } = process.cpuUsage(cpu);

    micros.sort((one, other) => one - other);
    const quantile = share => micros[Math.min(Math.floor(share * micros.length), micros.length - 1)];
    console.log(JSON.stringify({
        calls: micros.length,
        seconds,
        cpu_seconds: (user + system) / 1e6,
        p50_micros: quantile(0.5),
        p99_micros: quantile(0.99),
        resident_bytes: process.memoryUsage.rss()
    }));
    // `client.close` leaves its connections open, and they would keep the process running.
    process.exit(0);
}

main().catch(error => {
    console.error(error);
    process.exit(1);
});
