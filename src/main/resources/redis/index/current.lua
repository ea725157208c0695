-- Sets a user's current session if it is still the expected one.
-- KEYS: user
-- ARGV: expected (id, '' for none), next (id)
-- Returns: {id} that is current afterwards
local key_user, expected, next = KEYS[1], ARGV[1], ARGV[2]
local current = redis.call('HGET', key_user, 'current') or ''
if current ~= expected then return {current} end
redis.call('HSET', key_user, 'current', next)
return {next}
