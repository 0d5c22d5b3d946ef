-- Times are microseconds since 1970 UTC. Columns of type BLOB hold sealed blobs, except the hashes.

PRAGMA application_id = 1414087244; -- "TIEL": tells this file from another program's database

CREATE TABLE marks (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE keyring (
    key_id      INTEGER NOT NULL PRIMARY KEY,
    wrapped     BLOB    NOT NULL,
    check_value BLOB    NOT NULL,
    master      TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('active', 'retired')),
    created_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX keyring_one_active ON keyring (state) WHERE state = 'active';

CREATE TABLE apps (
    id           INTEGER NOT NULL PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    provider     TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    context      TEXT    NOT NULL UNIQUE,
    redirect_uri TEXT,
    endpoints    TEXT    NOT NULL,
    parameters   BLOB    NOT NULL,
    version      INTEGER NOT NULL CHECK (version >= 1),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (tenant, provider, name),
    UNIQUE (tenant, id)
) STRICT;

CREATE TABLE instances (
    id                 INTEGER NOT NULL PRIMARY KEY,
    tenant             TEXT    NOT NULL,
    app                INTEGER NOT NULL,
    provider           TEXT    NOT NULL,
    name               TEXT,
    account_id         TEXT,
    account_label      TEXT,
    status             TEXT    NOT NULL CHECK (status IN ('ok', 'reconnect_required', 'unreadable', 'deleting')),
    cause              TEXT    CHECK (cause IN ('revoked', 'expired', 'rejected', 'lost_response', 'conflict')),
    status_since       INTEGER NOT NULL,
    generation         INTEGER NOT NULL CHECK (generation >= 1),
    access_token       BLOB    NOT NULL,
    refresh_token      BLOB,
    user_access_token  BLOB,
    user_refresh_token BLOB,
    expires_at         INTEGER,
    refresh_expires_at INTEGER,
    scopes             TEXT    NOT NULL,
    captures           TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    refreshed_at       INTEGER NOT NULL,
    -- The lease and the intent of a refresh stand on the row, so that one statement takes both with the generation.
    lease_owner          TEXT,
    lease_until          INTEGER,
    intent_attempt       INTEGER,
    intent_generation    INTEGER,
    intent_token_hash    BLOB,
    intent_at            INTEGER,
    uncertain_generation INTEGER,
    committed_attempt    INTEGER,
    UNIQUE (tenant, id),
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id)
) STRICT;
CREATE INDEX instances_app ON instances (tenant, app);

CREATE TABLE authorizations (
    id            INTEGER NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    app           INTEGER NOT NULL,
    state_hash    BLOB    NOT NULL UNIQUE,
    verifier      BLOB,
    redirect_uri  TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    binding       TEXT    NOT NULL CHECK (binding IN ('local', 'session', 'confirm')),
    user_id       TEXT,
    instance      INTEGER,
    instance_name TEXT,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX authorizations_expiry ON authorizations (expires_at);
CREATE INDEX authorizations_instance ON authorizations (tenant, instance) WHERE instance IS NOT NULL;

-- Outlives its instance: what could not be committed is evidence.
CREATE TABLE quarantine (
    id         INTEGER NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    instance   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('conflict', 'undecodable')),
    answer     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_tenant ON quarantine (tenant, id);

CREATE TABLE events (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant   TEXT    NOT NULL,
    instance INTEGER,
    app      INTEGER,
    kind     TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX events_tenant ON events (tenant, id);
CREATE INDEX events_instance ON events (tenant, instance, id) WHERE instance IS NOT NULL;
