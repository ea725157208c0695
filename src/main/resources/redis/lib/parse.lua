-- The one parser of the packed session state; parse_rest goes on where it ends.
-- Reads: packed
-- Leaves: tag, version, last_seq, count, bytes, expires_at, updated_place
--
-- The state is one field of the session hash, 'p' ('xp' while the session is built; a tombstone has none), because twelve fields would be
-- most of an append's cost. ttl is in seconds. status is 'a' or 'c', with a '+' while a turn runs, then '/until/token' while a lock is held.
-- keys_until is the keys' own expiry. user is the owner, or ''. updated_place is where updated_at starts: most writes replace it, and each
-- captured string costs Redis time.
local tag, version, last_seq, count, bytes, expires_at, updated_place = string.match(packed, '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) ()')
