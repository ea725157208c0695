-- Removes an answer, and ends the claim of whoever computes it.
--
-- KEYS: 1 answer, 2 claim
-- ARGV: none
-- Returns: {1} if there was one, else {0}
redis.call('DEL', KEYS[2])
return {redis.call('DEL', KEYS[1])}
