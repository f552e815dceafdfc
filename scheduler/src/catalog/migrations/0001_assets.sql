CREATE TABLE sources (
    source_id   INTEGER PRIMARY KEY,
    root        TEXT NOT NULL UNIQUE,
    name        TEXT,
    asset_type  TEXT
) STRICT;

CREATE TABLE collections (
    collection_id TEXT PRIMARY KEY,
    title         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE programmes (
    programme_id  TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    collection_id TEXT NOT NULL REFERENCES collections(collection_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
    asset_pk      INTEGER PRIMARY KEY,
    asset_id      TEXT NOT NULL UNIQUE,
    source_id     INTEGER NOT NULL REFERENCES sources(source_id),
    collection_id TEXT NOT NULL REFERENCES collections(collection_id),
    path          TEXT NOT NULL UNIQUE,
    size          INTEGER NOT NULL,
    mtime_ns      INTEGER NOT NULL,
    asset_type    TEXT NOT NULL,
    title         TEXT NOT NULL,
    season        INTEGER,
    episode       INTEGER,
    year          INTEGER,
    health        TEXT NOT NULL CHECK (health IN ('ok', 'bad', 'missing')),
    reason        TEXT,
    container     TEXT,
    duration_ms   INTEGER,
    video_json    TEXT,
    audio_json    TEXT
) STRICT;
CREATE INDEX assets_by_collection ON assets(collection_id);

CREATE TABLE chapters (
    asset_pk INTEGER NOT NULL REFERENCES assets(asset_pk) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms   INTEGER NOT NULL,
    title    TEXT,
    PRIMARY KEY (asset_pk, position)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: an identity that was given out once is never given to another channel.
CREATE TABLE channels (
    channel_id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug       TEXT NOT NULL UNIQUE,
    number     INTEGER NOT NULL,
    name       TEXT NOT NULL
) STRICT;
