// graphile-worker on the same PostgreSQL. The drain as its documentation tunes it for speed: a local queue, and completions in
// batches of its own.
import { Logger, makeWorkerUtils, run as work } from "graphile-worker";
import { crew, drain, insertMany, insertSingly, notAvailable, payload, run, scaled, scheme, url } from "./peer.js";

if (scheme !== "postgres") notAvailable("it knows PostgreSQL only");

const logger = new Logger(() => () => {});
const options = { connectionString: url, logger, maxPoolSize: 10 };
const utils = await makeWorkerUtils(options);
await utils.migrate();

const many = async (all) => {
    for (let i = 0; i < all.length; i += 10_000)
        await utils.addJobs(all.slice(i, i + 10_000).map((each) => ({ identifier: "noop", payload: each })));
};

await run({
    "D1/single": (which) => insertSingly(which, scaled(10_000), (i) => utils.addJob("noop", payload(i))),
    "D1/bulk": (which) => insertMany(which, scaled(100_000), many),
    "D2/drain": async (which) => {
        const n = scaled(50_000);
        await many(Array.from({ length: n }, (_, i) => payload(i)));
        await drain(which, n, async (ran) => {
            const runner = await work({
                ...options, concurrentJobs: crew, noHandleSignals: true, taskList: { noop: async () => ran() },
                preset: { worker: { connectionString: url, concurrentJobs: crew, logger, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
            });
            return () => runner.stop();
        });
    },
});
