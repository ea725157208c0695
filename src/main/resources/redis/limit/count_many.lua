-- Counts several under every rule of a subject: as many as every rule has left, at most as many as asked.
-- KEYS: counter* (the rules', all of one subject)
-- ARGV: asked (how many), [limit, window (milliseconds)]* (of each counter)
-- Returns: how many were counted under every rule; then for each counter its count now; milliseconds its window lasts yet, all of it when
--   none runs
--
-- Windows are as in count, and so is what a full Redis counts.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local key_first, asked, first_window = KEYS[1], ARGV[1], ARGV[3]
local answer, granted = {0}, asked + 0
for i = 1, #KEYS do
  local count, window = (call('GET', KEYS[i]) or 0) + 0, ARGV[2 * i + 1] + 0
  local left = call('PTTL', KEYS[i])
  if left < 0 or left > window then left = -1 end
  granted = math.max(0, math.min(granted, ARGV[2 * i] - count))
  answer[2 * i], answer[2 * i + 1] = count, left
end
answer[1] = granted
if granted > 0 then
  local by = string.format('%d', granted)
  local first = redis.pcall('INCRBY', key_first, by)
  if type(first) == 'table' then
    for i = 1, #KEYS do
      if call('EXISTS', KEYS[i]) == 0 then return first end
    end
    call('PEXPIRE', key_first, answer[3] < 0 and first_window or math.max(answer[3], 1))
    first = call('INCRBY', key_first, by)
  end
  answer[2] = first
  for i = 2, #KEYS do answer[2 * i] = call('INCRBY', KEYS[i], by) end
end
for i = 1, #KEYS do
  if answer[2 * i + 1] < 0 then
    call('PEXPIRE', KEYS[i], ARGV[2 * i + 1])
    answer[2 * i + 1] = ARGV[2 * i + 1] + 0
  end
end
return answer
