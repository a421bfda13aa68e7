// Runs the sessions service and a fake of mongod in one process. The service connects to the fake over TCP.
"use strict";

const { createServer } = require("../mongod/server");

const database = createServer();
database.listen(0, "127.0.0.1", () => {
    process.env.MONGOD_PORT = String(database.address().port);
    require("../service-sessions-node/node_modules/service-sessions-node/bin/main.js");
});
