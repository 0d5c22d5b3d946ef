-- What pages need: people who are signed in with an API key.

CREATE TABLE sessions (
    -- SHA-256 of what the browser holds.
    token_hash BYTEA  NOT NULL PRIMARY KEY,
    api_key    BIGINT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_key ON sessions (api_key);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- SHA-256 of what the browser held that started it, where it is bound to that browser.
ALTER TABLE authorizations ADD COLUMN browser_hash BYTEA;
