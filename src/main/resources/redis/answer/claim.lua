-- Makes one caller the one who computes an answer, if nobody is; for who is already, it lasts anew.
-- KEYS: claim
-- ARGV: owner, millis (it lasts)
-- Returns: {1} if it is the owner's, else {0}
local call, key_claim, owner, millis = redis.call, KEYS[1], ARGV[1], ARGV[2]
local claimed = call('GET', key_claim)
if claimed and claimed ~= owner then return {0} end
if claimed then
  -- It cannot grow, so a full Redis lets the owner go on.
  call('PEXPIRE', key_claim, millis)
else
  call('SET', key_claim, owner, 'PX', millis)
end
return {1}
