-- Replaces a session's description; the last step of a patch.
-- KEYS: @write, changes, due, record?
-- ARGV: @write, description, new_ttl (seconds), new_status ('a' or 'c'), change (as it is kept), frame (as it is published)
-- Returns: as write; done also {state, description, the running turn or ''}
-- #include write
local key_changes, key_due = unpack(KEYS, 3, 4)
local description, new_ttl, new_status, change, frame = unpack(ARGV, 7, 11)
-- #include retry
-- #include session
-- The owner stays. Quotes inside of it are escaped, so what ends it here is not a part of it.
local named = string.match(call('HGET', key_session, 'd'), '^{"user":(.-),"title":')
local described = '{"user":' .. named .. string.match(description, ',"title":.*$')
ttl, status = new_ttl, new_status .. string.sub(status, 2)
-- #include advance
call('HSET', key_session, 'd', described)
-- A shorter life: the due time must never be after the truth.
call('ZADD', key_due, 'LT', format('%d', expires_at), 'x:' .. path)
-- #include commit
return {state, described, turn or ''}
