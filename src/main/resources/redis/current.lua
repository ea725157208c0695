-- Sets a user's current session if it is still the expected one.
--
-- KEYS: 1 the user's hash
-- ARGV: 1 expected id ('' for none), 2 next id
-- Returns: {id} that is current afterwards
local current = redis.call('HGET', KEYS[1], 'current') or ''
if current ~= ARGV[1] then return {current} end
redis.call('HSET', KEYS[1], 'current', ARGV[2])
return {ARGV[2]}
