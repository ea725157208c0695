-- Takes back an operation's hold of an idempotency record.
--
-- KEYS: 1 record
-- ARGV: 1 hash of the request's body, 2 operation
-- Returns: {1} when it was held by that operation, else {0}
if redis.call('GET', KEYS[1]) == 'P ' .. ARGV[1] .. ' ' .. ARGV[2] then return {redis.call('DEL', KEYS[1])} end
return {0}
