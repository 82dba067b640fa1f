// libpq, loaded when its first function is called. It brings 21 libraries with it (TLS, Kerberos, LDAP), and loading those took 5 of the 8 ms
// of a `gristmill --help`, and as much of the time before the first command of a run, which need none of them.
//
// The program's own functions of these names call those of the library. They are what the linker finds first, so that the library is not
// among those that the program names, and nobody else sees them. The first call is made when a store is opened, before anything is begun:
// without the library the program says so and ends.
#include <dlfcn.h>
#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr const char* library = "libpq.so.5";

[[noreturn]] void missing() {
    std::fprintf(stderr, "gristmill: a store on PostgreSQL needs %s: %s\nInstall it (on Debian the package libpq5).\n",
                 library, ::dlerror());
    std::exit(255);
}

void* symbol(const char* name) {
    static void* const loaded = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void* const found = loaded ? ::dlsym(loaded, name) : nullptr;
    if (!found) missing();
    return found;
}

}  // namespace

// The type of each is that of its declaration in libpq-fe.h, or this does not compile.
#define LATE(name, parameters, arguments)                                          \
    auto name parameters->decltype(name arguments) {                               \
        static const auto real = reinterpret_cast<decltype(&name)>(symbol(#name)); \
        return real arguments;                                                     \
    }

#pragma GCC visibility push(hidden)
extern "C" {
LATE(PQconnectdb, (const char* info), (info))
LATE(PQconnectdbParams, (const char* const* names, const char* const* values, int expand), (names, values, expand))
LATE(PQconninfoParse, (const char* info, char** error), (info, error))
LATE(PQconninfoFree, (PQconninfoOption * options), (options))
LATE(PQfinish, (PGconn * on), (on))
LATE(PQstatus, (const PGconn* on), (on))
LATE(PQtransactionStatus, (const PGconn* on), (on))
LATE(PQerrorMessage, (const PGconn* on), (on))
LATE(PQsocket, (const PGconn* on), (on))
LATE(PQbackendPID, (const PGconn* on), (on))
LATE(PQsetNoticeProcessor, (PGconn * on, PQnoticeProcessor what, void* argument), (on, what, argument))
LATE(PQsetnonblocking, (PGconn * on, int yes), (on, yes))

LATE(PQexec, (PGconn * on, const char* sql), (on, sql))
LATE(PQexecParams,
     (PGconn * on, const char* sql, int count, const Oid* types, const char* const* values, const int* lengths,
      const int* formats, int format),
     (on, sql, count, types, values, lengths, formats, format))
LATE(PQsendQuery, (PGconn * on, const char* sql), (on, sql))
LATE(PQsendQueryParams,
     (PGconn * on, const char* sql, int count, const Oid* types, const char* const* values, const int* lengths,
      const int* formats, int format),
     (on, sql, count, types, values, lengths, formats, format))
LATE(PQsendPrepare, (PGconn * on, const char* name, const char* sql, int count, const Oid* types),
     (on, name, sql, count, types))
LATE(PQsendQueryPrepared,
     (PGconn * on, const char* name, int count, const char* const* values, const int* lengths, const int* formats,
      int format),
     (on, name, count, values, lengths, formats, format))
LATE(PQgetResult, (PGconn * on), (on))
LATE(PQisBusy, (PGconn * on), (on))
LATE(PQconsumeInput, (PGconn * on), (on))
LATE(PQflush, (PGconn * on), (on))
LATE(PQnotifies, (PGconn * on), (on))
LATE(PQenterPipelineMode, (PGconn * on), (on))
LATE(PQexitPipelineMode, (PGconn * on), (on))
LATE(PQpipelineSync, (PGconn * on), (on))
LATE(PQpipelineStatus, (const PGconn* on), (on))

LATE(PQresultStatus, (const PGresult* of), (of))
LATE(PQresultErrorMessage, (const PGresult* of), (of))
LATE(PQresultErrorField, (const PGresult* of, int field), (of, field))
LATE(PQntuples, (const PGresult* of), (of))
LATE(PQgetvalue, (const PGresult* of, int row, int column), (of, row, column))
LATE(PQgetlength, (const PGresult* of, int row, int column), (of, row, column))
LATE(PQgetisnull, (const PGresult* of, int row, int column), (of, row, column))
LATE(PQclear, (PGresult * of), (of))
LATE(PQfreemem, (void* memory), (memory))
}
#pragma GCC visibility pop
