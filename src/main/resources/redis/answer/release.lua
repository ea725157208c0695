-- Ends a claim, if it is still that owner's.
-- KEYS: claim
-- ARGV: owner
-- Returns: {1} if it was, else {0}
local key_claim, owner = KEYS[1], ARGV[1]
if redis.call('GET', key_claim) ~= owner then return {0} end
return {redis.call('DEL', key_claim)}
