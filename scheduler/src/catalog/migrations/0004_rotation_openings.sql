-- How the rotation of spots stood where a channel's broadcast day began: by asset id, the starts of its last airings in
-- UTC milliseconds. Written once when the day is first planned, so that its breaks are the same after a restart.
CREATE TABLE rotation_openings (
    channel_id    INTEGER NOT NULL REFERENCES channels(channel_id),
    broadcast_day TEXT NOT NULL,
    plays_json    TEXT NOT NULL,
    PRIMARY KEY (channel_id, broadcast_day)
) STRICT, WITHOUT ROWID;
