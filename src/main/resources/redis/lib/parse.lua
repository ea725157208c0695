-- The one parser of the packed session state.
-- Reads: packed
-- Leaves: tag, version, last_seq, count, bytes, expires_at, updated_place, ttl, status, keys_until, created_at, user
--
-- It is one field of the session hash, because reading, formatting and writing twelve is what an append would mostly do: 'p', or
-- 'xp' while the session is built; a tombstone has none. TTL in seconds; status 'a' or 'c', with a + while a turn runs, and while
-- somebody holds the session 'a/until/token'; keys_until is when the keys' own expiry is; user is the owner, or nothing.
-- Of the time of the last write only the place is told: most writes make it anew, and each capture costs as much as a comparison of all.
local tag, version, last_seq, count, bytes, expires_at, updated_place, ttl, status, keys_until, created_at, user =
  string.match(packed, '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) ()%d+ (%d+) (%S+) (%d+) (%d+) (.*)$')
