-- Publishes a session that was built in steps, as one version.
-- KEYS: @write, changes, due, record?
-- ARGV: @write, build, change
-- Returns: as write; the tag is the build's | {0, 'session-not-found'} when the build is over
-- #include write
local key_changes, key_due = unpack(KEYS, 3, 4)
local build, change = unpack(ARGV, 7, 8)
-- #include retry
local packed, building, description, last_tag = unpack(call('HMGET', key_session, 'xp', 'x', 'd', 'xt'))
if building ~= build then return {0, 'session-not-found'} end
-- #include parse
-- #include parse_rest
local previous, frame, ids = last_tag or '-', change, ''
local updated_at = stamp
expires_at = now + ttl * 1000
call('XADD', key_changes, version .. '-0', 't', tag, 'z', stamp, 'c', change)
call('ZADD', key_due, format('%d', expires_at), 'x:' .. path)
-- #include keep_keys
-- #include pack
call('HSET', key_session, 'p', state)
call('HDEL', key_session, 'x', 'xp', 'n', 'xv', 'xt', 'xg', 'xu')
-- #include publish
-- #include remember
return {state, description}
