// BullMQ on Redis, with every write on the disk before it is answered (appendfsync always).
import { Queue, Worker } from "bullmq";
import { crew, drain, insertMany, insertSingly, notAvailable, payload, run, scaled, scheme } from "./peer.js";

if (scheme === "memory") notAvailable("it keeps its jobs outside of the process");
const port = process.env.BENCH_REDIS;
if (!port) notAvailable("no redis-server is here");

const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue("noop", { connection });

const many = async (all) => {
    for (let i = 0; i < all.length; i += 10_000)
        await queue.addBulk(all.slice(i, i + 10_000).map((data) => ({ name: "noop", data })));
};

await run({
    "D1/single": (which) => insertSingly(which, scaled(20_000), (i) => queue.add("noop", payload(i))),
    "D1/bulk": (which) => insertMany(which, scaled(100_000), many),
    "D2/drain": async (which) => {
        const n = scaled(50_000);
        await many(Array.from({ length: n }, (_, i) => payload(i)));
        await drain(which, n, async (ran) => {
            const worker = new Worker("noop", async () => {}, { connection, concurrency: crew });
            worker.on("completed", () => ran());
            return () => worker.close();
        });
    },
});
