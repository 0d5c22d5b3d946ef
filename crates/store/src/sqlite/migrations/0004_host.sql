-- What a host needs beyond one embedded engine: tenants and their keys, a front door, webhooks.

CREATE TABLE tenants (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tenants (id, created_at) VALUES ('default', CAST(unixepoch() AS INTEGER) * 1000000);

-- Shown once, when they are made; only what finds one again is kept.
CREATE TABLE api_keys (
    id           INTEGER NOT NULL PRIMARY KEY,
    tenant       TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name         TEXT,
    key_hash     BLOB    NOT NULL UNIQUE,
    -- The end of it, by which a person knows it again.
    hint         TEXT    NOT NULL,
    permissions  TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    -- To the hour, about.
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX api_keys_tenant ON api_keys (tenant, id);

-- Where a host confirms what its users connected, and to whose pages they may be sent back.
ALTER TABLE apps ADD COLUMN confirm_url TEXT;
ALTER TABLE apps ADD COLUMN return_origins TEXT NOT NULL DEFAULT '[]';

ALTER TABLE instances ADD COLUMN user_id TEXT;
ALTER TABLE instances ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
-- Nobody is given its token while this is set; it is kept alive all the same.
ALTER TABLE instances ADD COLUMN disabled_at INTEGER;
CREATE INDEX instances_user ON instances (tenant, user_id, id) WHERE user_id IS NOT NULL;

-- The tags once more, to be found by.
CREATE TABLE instance_tags (
    tenant   TEXT    NOT NULL,
    tag      TEXT    NOT NULL,
    instance INTEGER NOT NULL,
    PRIMARY KEY (tenant, tag, instance),
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX instance_tags_instance ON instance_tags (tenant, instance);
CREATE TRIGGER instances_tagged AFTER INSERT ON instances WHEN new.tags <> '[]' BEGIN
    INSERT INTO instance_tags (tenant, tag, instance) SELECT DISTINCT new.tenant, value, new.id FROM json_each(new.tags);
END;
CREATE TRIGGER instances_tagged_anew AFTER UPDATE OF tags ON instances BEGIN
    DELETE FROM instance_tags WHERE tenant = new.tenant AND instance = new.id;
    INSERT INTO instance_tags (tenant, tag, instance) SELECT DISTINCT new.tenant, value, new.id FROM json_each(new.tags);
END;

ALTER TABLE authorizations ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE authorizations ADD COLUMN return_to TEXT;

-- An authorization that was called back and waits for whoever started it to confirm it. The callback is sealed: its code is good for
-- one exchange.
CREATE TABLE parked (
    id            INTEGER NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    app           INTEGER NOT NULL,
    ticket_hash   BLOB    NOT NULL,
    verifier      BLOB,
    callback      BLOB    NOT NULL,
    redirect_uri  TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    instance      INTEGER,
    instance_name TEXT,
    tags          TEXT    NOT NULL,
    parameters    TEXT    NOT NULL,
    return_to     TEXT,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX parked_app ON parked (tenant, app);
CREATE INDEX parked_instance ON parked (tenant, instance) WHERE instance IS NOT NULL;
CREATE INDEX parked_expiry ON parked (expires_at);

-- Connect links: each starts one authorization.
CREATE TABLE links (
    id            INTEGER NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    app           INTEGER NOT NULL,
    token_hash    BLOB    NOT NULL UNIQUE,
    user_id       TEXT    NOT NULL,
    scopes        TEXT,
    instance      INTEGER,
    instance_name TEXT,
    tags          TEXT    NOT NULL,
    return_to     TEXT,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX links_app ON links (tenant, app);
CREATE INDEX links_instance ON links (tenant, instance) WHERE instance IS NOT NULL;
CREATE INDEX links_expiry ON links (expires_at);

-- What was answered to a request that may be sent again. The answer is sealed; none yet = it is being worked on.
CREATE TABLE idempotency (
    id           INTEGER NOT NULL PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    key_hash     BLOB    NOT NULL,
    request_hash BLOB    NOT NULL,
    status       INTEGER,
    answer       BLOB,
    created_at   INTEGER NOT NULL,
    UNIQUE (tenant, key_hash)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Who did it, where somebody did: an API key, or the store's owner.
ALTER TABLE events ADD COLUMN actor TEXT;

CREATE TABLE webhooks (
    id            INTEGER NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    url           TEXT    NOT NULL,
    -- Kinds of events; none = all.
    kinds         TEXT    NOT NULL,
    secret        BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    -- Since when it has answered nothing but errors.
    failing_since INTEGER,
    -- When it was given up, and why.
    disabled_at   INTEGER,
    disabled_why  TEXT
) STRICT;
CREATE INDEX webhooks_tenant ON webhooks (tenant, id);

-- Events that a webhook has not been told of yet.
CREATE TABLE deliveries (
    webhook  INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event    INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at  INTEGER NOT NULL,
    -- What came of the last attempt, in a few words.
    last     TEXT,
    PRIMARY KEY (webhook, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (webhook, next_at);
-- In the transaction of the event itself: an event that happened is told, whatever happens next.
CREATE TRIGGER events_delivered AFTER INSERT ON events BEGIN
    INSERT INTO deliveries (webhook, event, next_at)
    SELECT id, new.id, new.at FROM webhooks
    WHERE tenant = new.tenant AND disabled_at IS NULL
        AND (kinds = '[]' OR EXISTS (SELECT 1 FROM json_each(kinds) WHERE value = new.kind));
END;
