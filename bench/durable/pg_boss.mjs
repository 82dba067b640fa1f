// pg-boss on the same PostgreSQL: workers that fetch a batch at a time, as its documentation has it for speed.
import { PgBoss } from "pg-boss";
import { crew, drain, insertMany, insertSingly, notAvailable, payload, run, scaled, scheme, url } from "./peer.js";

if (scheme !== "postgres") notAvailable("it knows PostgreSQL only");

const boss = new PgBoss({ connectionString: url, max: 10, schedule: false, supervise: false });
boss.on("error", (why) => { console.error(why.message); process.exit(2); });
await boss.start();
await boss.createQueue("noop");

const many = async (all) => {
    for (let i = 0; i < all.length; i += 10_000) await boss.insert("noop", all.slice(i, i + 10_000).map((data) => ({ data })));
};

await run({
    "D1/single": (which) => insertSingly(which, scaled(10_000), (i) => boss.send("noop", payload(i))),
    "D1/bulk": (which) => insertMany(which, scaled(100_000), many),
    // Its own loop waits half a second between two batches at the least; fetch and complete are its interface for those who cannot.
    "D2/drain": async (which) => {
        const n = scaled(50_000);
        await many(Array.from({ length: n }, (_, i) => payload(i)));
        await drain(which, n, async (ran) => {
            const one = async () => {
                for (;;) {
                    const jobs = await boss.fetch("noop", { batchSize: 100 });
                    if (jobs.length === 0) return;
                    await boss.complete("noop", jobs.map((job) => job.id));
                    for (const _ of jobs) ran();
                }
            };
            const all = Promise.all(Array.from({ length: crew }, one));
            return () => all;
        });
    },
});
