-- Moves the keys' own expiry to two days after the session's, where a write could not do it: see lib/keep_keys.
-- KEYS: session, thread, ids, changes, state, checkpoints
-- ARGV: none
-- Returns: {1} when moved, {0} when there is no living session
local call, format, key_session = redis.call, string.format, KEYS[1]
local packed = call('HGET', key_session, 'p')
if not packed then return {0} end
-- #include parse
-- #include parse_rest
keys_until = format('%d', expires_at + KEYS_MORE_MILLIS)
for _, key in ipairs(KEYS) do call('PEXPIREAT', key, keys_until) end
-- #include repack
call('HSET', key_session, 'p', state)
return {1}
