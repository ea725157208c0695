-- Ends a lock, and tells of a client's those who wait for it.
-- KEYS: session, record?
-- ARGV: owner ('' for any), given (the token, or '' to end it whoever holds it), publish, live_channel, message (what is told there),
--   body? (hash of the request's body)
-- Returns: {1} | {2, …} as lib/lock_once | {0, code} | {0, 'stale-fence'}
local call, format = redis.call, string.format
local key_session, key_record = unpack(KEYS)
local owner, given, publish, live_channel, message, body = unpack(ARGV)
-- #include lock_once
-- #include pass
-- #include lock
clear()
if given ~= '' and token ~= given then return {0, 'stale-fence'} end
if token then
  hold()
  call('HDEL', key_session, 'o', 'y')
end
keep('-', 0, 0, '')
-- An update's end is not told: it was short, and watchers would hear of every one.
if token and kind == 'c' then call(publish, live_channel, message) end
return {1}
