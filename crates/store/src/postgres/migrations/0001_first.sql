-- Times are microseconds since 1970 UTC. Columns of type BYTEA hold sealed blobs, except the hashes. What is sorted is sorted by its
-- bytes, as everywhere else.

-- The clock that leases and heartbeats go by: one for all processes.
CREATE FUNCTION tieline_now() RETURNS BIGINT LANGUAGE sql VOLATILE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

CREATE TABLE owners (
    owner TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    beat  BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Whether the holder of a lease has been heard of within five seconds: by a heartbeat, or by taking the lease.
--
-- VOLATILE, and not a plain subquery: a function that is volatile reads with a snapshot of its own. A statement that waited for
-- another one's lock looks again at the row as it is then, but at everything else as it was when the statement began; a lease taken
-- meanwhile would meet a heartbeat of before.
CREATE FUNCTION tieline_alive(holder TEXT, taken_at BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    heard BIGINT;
BEGIN
    SELECT beat INTO heard FROM owners WHERE owner = holder;
    RETURN greatest(heard, taken_at) > tieline_now() - 5000000;
END
$$;

-- The number of the key that sealed a blob, as its header says.
CREATE FUNCTION tieline_key_of(blob BYTEA) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(blob) >= 6 THEN
        (get_byte(blob, 2)::bigint << 24) | (get_byte(blob, 3)::bigint << 16)
        | (get_byte(blob, 4)::bigint << 8) | get_byte(blob, 5)::bigint
    END
$$;

CREATE TABLE marks (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE keyring (
    key_id      BIGINT NOT NULL PRIMARY KEY,
    wrapped     BYTEA  NOT NULL,
    check_value BYTEA  NOT NULL,
    master      TEXT   NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('active', 'retired')),
    created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX keyring_one_active ON keyring (state) WHERE state = 'active';

-- Each table with sealed blobs points from their headers to the keyring: no key goes while a blob needs it, and nothing is written
-- with a key that is gone, whatever other processes do. The names of these constraints end in `sealed_with`.

CREATE TABLE apps (
    id            BIGINT NOT NULL PRIMARY KEY,
    tenant        TEXT   COLLATE "C" NOT NULL,
    provider      TEXT   COLLATE "C" NOT NULL,
    name          TEXT   COLLATE "C" NOT NULL,
    context       TEXT   COLLATE "C" NOT NULL UNIQUE,
    redirect_uri  TEXT,
    endpoints     TEXT   NOT NULL,
    parameters    BYTEA  NOT NULL,
    version       BIGINT NOT NULL CHECK (version >= 1),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    -- Why the provider refuses the app itself, and since when.
    trouble       TEXT,
    trouble_since BIGINT,
    parameters_key BIGINT GENERATED ALWAYS AS (tieline_key_of(parameters)) STORED,
    CONSTRAINT apps_sealed_with FOREIGN KEY (parameters_key) REFERENCES keyring (key_id),
    UNIQUE (tenant, provider, name),
    UNIQUE (tenant, id)
);

CREATE TABLE instances (
    id                   BIGINT NOT NULL PRIMARY KEY,
    tenant               TEXT   COLLATE "C" NOT NULL,
    app                  BIGINT NOT NULL,
    provider             TEXT   COLLATE "C" NOT NULL,
    name                 TEXT,
    account_id           TEXT,
    account_label        TEXT,
    status               TEXT   COLLATE "C" NOT NULL CHECK (status IN ('ok', 'reconnect_required', 'unreadable', 'deleting')),
    cause                TEXT   CHECK (cause IN ('revoked', 'expired', 'rejected', 'lost_response', 'conflict')),
    status_since         BIGINT NOT NULL,
    generation           BIGINT NOT NULL CHECK (generation >= 1),
    access_token         BYTEA  NOT NULL,
    refresh_token        BYTEA,
    expires_at           BIGINT,
    refresh_expires_at   BIGINT,
    scopes               TEXT   NOT NULL,
    captures             TEXT   NOT NULL,
    -- What the person who connects an account gives, by parameter key; nothing secret.
    parameters           TEXT   NOT NULL,
    created_at           BIGINT NOT NULL,
    refreshed_at         BIGINT NOT NULL,
    -- The lease and the intent of a refresh stand on the row, so that one statement takes both with the generation.
    lease_owner          TEXT   COLLATE "C",
    lease_until          BIGINT,
    intent_attempt       BIGINT,
    intent_generation    BIGINT,
    intent_token_hash    BYTEA,
    intent_at            BIGINT,
    uncertain_generation BIGINT,
    uncertain_at         BIGINT,
    uncertain_told       BIGINT,
    committed_attempt    BIGINT,
    rejections           BIGINT NOT NULL DEFAULT 0,
    rejected_at          BIGINT,
    -- When a refresh is due for the refresh token's own sake.
    keep_alive_at        BIGINT,
    access_token_key     BIGINT GENERATED ALWAYS AS (tieline_key_of(access_token)) STORED,
    refresh_token_key    BIGINT GENERATED ALWAYS AS (tieline_key_of(refresh_token)) STORED,
    CONSTRAINT instances_access_sealed_with FOREIGN KEY (access_token_key) REFERENCES keyring (key_id),
    CONSTRAINT instances_refresh_sealed_with FOREIGN KEY (refresh_token_key) REFERENCES keyring (key_id),
    UNIQUE (tenant, id),
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id)
) WITH (fillfactor = 80);
CREATE INDEX instances_app ON instances (tenant, app);

-- What an engine looks for by itself.
CREATE INDEX instances_unsettled ON instances (id) WHERE intent_attempt IS NOT NULL OR uncertain_generation IS NOT NULL;
CREATE INDEX instances_keep_alive ON instances (keep_alive_at) WHERE keep_alive_at IS NOT NULL;
CREATE INDEX instances_unwell ON instances (status, id) WHERE status <> 'ok';

CREATE TABLE authorizations (
    id            BIGINT NOT NULL PRIMARY KEY,
    tenant        TEXT   COLLATE "C" NOT NULL,
    app           BIGINT NOT NULL,
    state_hash    BYTEA  NOT NULL UNIQUE,
    verifier      BYTEA,
    redirect_uri  TEXT   NOT NULL,
    scopes        TEXT   NOT NULL,
    binding       TEXT   NOT NULL CHECK (binding IN ('local', 'session', 'confirm')),
    user_id       TEXT,
    instance      BIGINT,
    instance_name TEXT,
    parameters    TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    verifier_key  BIGINT GENERATED ALWAYS AS (tieline_key_of(verifier)) STORED,
    CONSTRAINT authorizations_sealed_with FOREIGN KEY (verifier_key) REFERENCES keyring (key_id),
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE
);
CREATE INDEX authorizations_app ON authorizations (tenant, app);
CREATE INDEX authorizations_expiry ON authorizations (expires_at);
CREATE INDEX authorizations_instance ON authorizations (tenant, instance) WHERE instance IS NOT NULL;

-- Outlives its instance: what could not be committed is evidence.
CREATE TABLE quarantine (
    id         BIGINT NOT NULL PRIMARY KEY,
    tenant     TEXT   COLLATE "C" NOT NULL,
    instance   BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    kind       TEXT   NOT NULL CHECK (kind IN ('conflict', 'undecodable')),
    answer     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    answer_key BIGINT GENERATED ALWAYS AS (tieline_key_of(answer)) STORED,
    CONSTRAINT quarantine_sealed_with FOREIGN KEY (answer_key) REFERENCES keyring (key_id)
);
CREATE INDEX quarantine_tenant ON quarantine (tenant, id);

CREATE TABLE events (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant   TEXT   COLLATE "C" NOT NULL,
    instance BIGINT,
    app      BIGINT,
    kind     TEXT   NOT NULL,
    detail   TEXT   NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX events_tenant ON events (tenant, id);
CREATE INDEX events_instance ON events (tenant, instance, id) WHERE instance IS NOT NULL;
