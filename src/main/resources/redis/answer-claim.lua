-- Makes one caller the one who computes an answer, if nobody is; for who is already, it lasts anew.
--
-- KEYS: 1 claim
-- ARGV: 1 owner, 2 milliseconds it lasts
-- Returns: {1} if it is the owner's, else {0}
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return {0} end
if owner then
  -- It cannot grow, so a full Redis lets the owner go on.
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {1}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1}
