-- Ends a claim, if it is still that owner's.
--
-- KEYS: 1 claim
-- ARGV: 1 owner
-- Returns: {1} if it was, else {0}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0} end
return {redis.call('DEL', KEYS[1])}
