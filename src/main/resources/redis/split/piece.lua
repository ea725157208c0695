-- Runs one reading command.
-- KEYS: read (of any kind)
-- ARGV: command, argument*
-- Returns: {reply}, which is empty for nil
local key_read, command = KEYS[1], ARGV[1]
return {redis.call(command, key_read, unpack(ARGV, 2))}
