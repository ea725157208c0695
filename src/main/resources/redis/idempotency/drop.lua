-- Takes back an operation's hold of an idempotency record.
-- KEYS: record
-- ARGV: body (hash of the request's), operation
-- Returns: {1} when it was held by that operation, else {0}
local key_record, body, operation = KEYS[1], ARGV[1], ARGV[2]
if redis.call('GET', key_record) == 'P ' .. body .. ' ' .. operation then return {redis.call('DEL', key_record)} end
return {0}
