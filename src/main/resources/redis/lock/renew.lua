-- Makes a client's lock last from now on.
-- KEYS: session, record?
-- ARGV: owner ('' for any), given (the token), millis (it lasts), body? (hash of the request's body)
-- Returns: {1, token, fence, until, now, label} | {2, …} as lib/lock_once | {0, code} | {0, 'stale-fence'}
local call, format = redis.call, string.format
local key_session, key_record = unpack(KEYS)
local owner, given, millis, body = unpack(ARGV)
-- #include lock_once
-- #include pass
-- #include lock
clear()
if token ~= given or kind ~= 'c' then return {0, 'stale-fence'} end
ends = now + millis
hold(ends, token)
keep(token, fence, ends, held_label or '')
return {1, token, tonumber(fence), ends, now, held_label or ''}
