-- Counts several under every rule of a subject: as many as every rule has left, at most as many as asked.
--
-- KEYS: the rules' counters, all of one subject
-- ARGV: how many are asked for, then for each counter its limit and its window in milliseconds
-- Returns: how many were counted under every rule; then for each counter its count now; milliseconds
--   its window lasts yet, all of it when none runs
--
-- Windows are as in limit.lua.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local answer, granted = {0}, ARGV[1] + 0
for i = 1, #KEYS do
  local count, window = (call('GET', KEYS[i]) or 0) + 0, ARGV[2 * i + 1] + 0
  local left = call('PTTL', KEYS[i])
  if left < 0 or left > window then left = -1 end
  granted = math.max(0, math.min(granted, ARGV[2 * i] - count))
  answer[2 * i], answer[2 * i + 1] = count, left
end
answer[1] = granted
for i = 1, #KEYS do
  if granted > 0 then answer[2 * i] = call('INCRBY', KEYS[i], string.format('%d', granted)) end
  if answer[2 * i + 1] < 0 then
    call('PEXPIRE', KEYS[i], ARGV[2 * i + 1])
    answer[2 * i + 1] = ARGV[2 * i + 1] + 0
  end
end
return answer
