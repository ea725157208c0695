-- Writes the version that advance made: the state, its change, and the idempotency record of a call that adds no messages.
-- Reads: call, format, key_session, key_changes, key_partition, key_record, body, publish, channel, path, change, frame, previous,
--   stamp, tag, version, last_seq, count, bytes, expires_at, updated_at, ttl, status, keys_until, created_at, user
-- Leaves: line, state, ids
call('XADD', key_changes, 'MAXLEN', MAX_CHANGES, version .. '-0', 't', tag, 'z', stamp, 'c', change)
-- #include keep_keys
-- #include pack
call('HSET', key_session, 'p', state)
-- #include publish
local ids = ''
-- #include remember
