-- Runs one reading command.
-- KEYS: key
-- ARGV: command, argument*
-- Returns: {reply}, which is empty for nil
local key, command = KEYS[1], ARGV[1]
return {redis.call(command, key, unpack(ARGV, 2))}
