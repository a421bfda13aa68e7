// Serves recorded traffic of GitHub's REST API at a port of the loopback interface: `node github.mjs PORT`.
import fixtures from "@octokit/fixtures-server";
import express from "express";

const port = Number(process.argv[2]);
const app = express();
app.use(fixtures({ port, fixturesUrl: `http://127.0.0.1:${port}`, logLevel: "silent" }));
app.get("/", (request, response) => response.send("ready"));
app.listen(port, "127.0.0.1");
