-- What a host needs beyond one embedded engine: tenants and their keys, a front door, webhooks.

CREATE TABLE tenants (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT,
    created_at BIGINT NOT NULL
);
INSERT INTO tenants (id, created_at) VALUES ('default', tieline_now());

-- Shown once, when they are made; only what finds one again is kept.
CREATE TABLE api_keys (
    id           BIGINT NOT NULL PRIMARY KEY,
    tenant       TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name         TEXT,
    key_hash     BYTEA NOT NULL UNIQUE,
    -- The end of it, by which a person knows it again.
    hint         TEXT NOT NULL,
    permissions  TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    -- To the hour, about.
    last_used_at BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX api_keys_tenant ON api_keys (tenant, id);

-- Where a host confirms what its users connected, and to whose pages they may be sent back.
ALTER TABLE apps ADD COLUMN confirm_url TEXT;
ALTER TABLE apps ADD COLUMN return_origins TEXT NOT NULL DEFAULT '[]';

ALTER TABLE instances ADD COLUMN user_id TEXT COLLATE "C";
ALTER TABLE instances ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
-- Nobody is given its token while this is set; it is kept alive all the same.
ALTER TABLE instances ADD COLUMN disabled_at BIGINT;
CREATE INDEX instances_user ON instances (tenant, user_id, id) WHERE user_id IS NOT NULL;

-- The tags once more, to be found by.
CREATE TABLE instance_tags (
    tenant   TEXT COLLATE "C" NOT NULL,
    tag      TEXT COLLATE "C" NOT NULL,
    instance BIGINT NOT NULL,
    PRIMARY KEY (tenant, tag, instance),
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE
);
CREATE INDEX instance_tags_instance ON instance_tags (tenant, instance);
CREATE FUNCTION tieline_tagged() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM instance_tags WHERE tenant = new.tenant AND instance = new.id;
    INSERT INTO instance_tags (tenant, tag, instance)
    SELECT DISTINCT new.tenant, value, new.id FROM jsonb_array_elements_text(new.tags::jsonb);
    RETURN NULL;
END
$$;
CREATE TRIGGER instances_tagged AFTER INSERT ON instances FOR EACH ROW WHEN (new.tags <> '[]') EXECUTE FUNCTION tieline_tagged();
CREATE TRIGGER instances_tagged_anew AFTER UPDATE OF tags ON instances FOR EACH ROW EXECUTE FUNCTION tieline_tagged();

ALTER TABLE authorizations ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE authorizations ADD COLUMN return_to TEXT;

-- An authorization that was called back and waits for whoever started it to confirm it. The callback is sealed: its code is good for
-- one exchange.
CREATE TABLE parked (
    id            BIGINT NOT NULL PRIMARY KEY,
    tenant        TEXT COLLATE "C" NOT NULL,
    app           BIGINT NOT NULL,
    ticket_hash   BYTEA NOT NULL,
    verifier      BYTEA,
    callback      BYTEA NOT NULL,
    redirect_uri  TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    instance      BIGINT,
    instance_name TEXT,
    tags          TEXT NOT NULL,
    parameters    TEXT NOT NULL,
    return_to     TEXT,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE,
    verifier_key BIGINT GENERATED ALWAYS AS (tieline_key_of(verifier)) STORED,
    CONSTRAINT parked_verifier_sealed_with FOREIGN KEY (verifier_key) REFERENCES keyring (key_id),
    callback_key BIGINT GENERATED ALWAYS AS (tieline_key_of(callback)) STORED,
    CONSTRAINT parked_callback_sealed_with FOREIGN KEY (callback_key) REFERENCES keyring (key_id)
);
CREATE INDEX parked_app ON parked (tenant, app);
CREATE INDEX parked_instance ON parked (tenant, instance) WHERE instance IS NOT NULL;
CREATE INDEX parked_expiry ON parked (expires_at);

-- Connect links: each starts one authorization.
CREATE TABLE links (
    id            BIGINT NOT NULL PRIMARY KEY,
    tenant        TEXT COLLATE "C" NOT NULL,
    app           BIGINT NOT NULL,
    token_hash    BYTEA NOT NULL UNIQUE,
    user_id       TEXT NOT NULL,
    scopes        TEXT,
    instance      BIGINT,
    instance_name TEXT,
    tags          TEXT NOT NULL,
    return_to     TEXT,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    FOREIGN KEY (tenant, app) REFERENCES apps (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, instance) REFERENCES instances (tenant, id) ON DELETE CASCADE
);
CREATE INDEX links_app ON links (tenant, app);
CREATE INDEX links_instance ON links (tenant, instance) WHERE instance IS NOT NULL;
CREATE INDEX links_expiry ON links (expires_at);

-- What was answered to a request that may be sent again. The answer is sealed; none yet = it is being worked on.
CREATE TABLE idempotency (
    id           BIGINT NOT NULL PRIMARY KEY,
    tenant       TEXT COLLATE "C" NOT NULL,
    key_hash     BYTEA NOT NULL,
    request_hash BYTEA NOT NULL,
    status       BIGINT,
    answer       BYTEA,
    created_at   BIGINT NOT NULL,
    UNIQUE (tenant, key_hash),
    answer_key BIGINT GENERATED ALWAYS AS (tieline_key_of(answer)) STORED,
    CONSTRAINT idempotency_sealed_with FOREIGN KEY (answer_key) REFERENCES keyring (key_id)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Who did it, where somebody did: an API key, or the store's owner.
ALTER TABLE events ADD COLUMN actor TEXT;

CREATE TABLE webhooks (
    id            BIGINT NOT NULL PRIMARY KEY,
    tenant        TEXT COLLATE "C" NOT NULL,
    url           TEXT NOT NULL,
    -- Kinds of events; none = all.
    kinds         TEXT NOT NULL,
    secret        BYTEA NOT NULL,
    created_at    BIGINT NOT NULL,
    -- Since when it has answered nothing but errors.
    failing_since BIGINT,
    -- When it was given up, and why.
    disabled_at   BIGINT,
    disabled_why  TEXT,
    secret_key BIGINT GENERATED ALWAYS AS (tieline_key_of(secret)) STORED,
    CONSTRAINT webhooks_sealed_with FOREIGN KEY (secret_key) REFERENCES keyring (key_id)
);
CREATE INDEX webhooks_tenant ON webhooks (tenant, id);

-- Events that a webhook has not been told of yet.
CREATE TABLE deliveries (
    webhook  BIGINT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event    BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at  BIGINT NOT NULL,
    -- What came of the last attempt, in a few words.
    last     TEXT,
    PRIMARY KEY (webhook, event)
);
CREATE INDEX deliveries_due ON deliveries (webhook, next_at);
-- In the transaction of the event itself: an event that happened is told, whatever happens next. The rows are locked against being
-- deleted meanwhile: an event must not fail over a webhook that is just going. When it is due goes by the clock of all processes.
CREATE FUNCTION tieline_delivered() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deliveries (webhook, event, next_at)
    SELECT id, new.id, tieline_now() FROM webhooks
    WHERE tenant = new.tenant AND disabled_at IS NULL AND (kinds = '[]' OR kinds::jsonb ? new.kind)
    FOR KEY SHARE;
    RETURN NULL;
END
$$;
CREATE TRIGGER events_delivered AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION tieline_delivered();
