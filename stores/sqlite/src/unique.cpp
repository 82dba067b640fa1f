#include "unique.hpp"

namespace gm::stores::sqlite {

jobs::job_id holder_of(session& in, std::int64_t kind, std::string_view key) {
    return {in.db()
                .number("SELECT job FROM gm_unique WHERE kind = ? AND key = ? AND (expires IS NULL OR expires > ?)",
                        kind, key, in.now())
                .value_or(0)};
}

void take_key(session& in, std::int64_t kind, const jobs::unique_key& unique, jobs::job_id job) {
    std::optional<micros> expires;
    if (unique.until == jobs::unique_for::window) expires = in.now() + unique.window.count();
    // In place of one that has expired.
    in.db().run("INSERT OR REPLACE INTO gm_unique (kind, key, job, expires) VALUES (?, ?, ?, ?)", kind, unique.key,
                job.number, expires);
}

void release_key(session& in, std::int64_t kind, std::string_view key, jobs::job_id job) {
    in.db().run("DELETE FROM gm_unique WHERE kind = ? AND key = ? AND job = ?", kind, key, job.number);
}

void forget_expired_keys(session& in) {
    in.db().run(
        "DELETE FROM gm_unique WHERE (kind, key) IN"
        " (SELECT kind, key FROM gm_unique WHERE expires IS NOT NULL AND expires <= ? LIMIT 1000)",
        in.now());
}

}  // namespace gm::stores::sqlite
