-- Runs one reading command.
--
-- KEYS: 1 key
-- ARGV: command, its other arguments
-- Returns: {reply}, which is empty for nil
return {redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))}
