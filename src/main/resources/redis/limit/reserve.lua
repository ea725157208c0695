-- Counts an amount under every rule of a subject, or under none when one of them has not so many left.
-- KEYS: counter* (the rules' of tokens, all of one subject: hashes of count, window (its name), and the amount of each open reservation, by
--   its id)
-- ARGV: id (of the reservation), amount (0 only looks), [limit, length (milliseconds of its window)]*
-- Returns: for each counter: 1 if it had so many left, else 0; its count now; milliseconds its window lasts yet, all of it when none runs; the
--   window's name, '' when none runs
--
-- Windows start and end as in count. One is named after the reservation that started it. A full Redis refuses to count; what is over a limit
-- it says.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local key_first, id, amount = KEYS[1], ARGV[1], ARGV[2]
local answer, allowed, endless = {}, true, {}
for i = 1, #KEYS do
  local length = ARGV[2 * i + 2] + 0
  local seen = call('HMGET', KEYS[i], 'count', 'window')
  local count, left = (seen[1] or 0) + 0, call('PTTL', KEYS[i])
  endless[i] = left == -1 or left > length
  if left < 0 or left > length then left = length end
  local had = 1
  if count + math.max(amount + 0, 1) > ARGV[2 * i + 1] + 0 then had, allowed = 0, false end
  answer[4 * i - 3], answer[4 * i - 2], answer[4 * i - 1], answer[4 * i] = had, count, left, seen[2] or ''
end
local counts = allowed and amount + 0 > 0
if counts then answer[2] = call('HINCRBY', key_first, 'count', amount) end
for i = 1, #KEYS do
  if endless[i] then call('PEXPIRE', KEYS[i], ARGV[2 * i + 2]) end
end
if counts then
  for i = 1, #KEYS do
    if i > 1 then answer[4 * i - 2] = call('HINCRBY', KEYS[i], 'count', amount) end
    call('HSET', KEYS[i], id, amount)
    if answer[4 * i] == '' then
      call('HSET', KEYS[i], 'window', id)
      call('PEXPIRE', KEYS[i], ARGV[2 * i + 2])
      answer[4 * i] = id
    end
  end
end
return answer
