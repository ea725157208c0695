-- Adds to what a user has, and tells what there is.
--
-- KEYS: 1 the user's usage: hash of s (sessions), b (bytes of threads), d (bytes of documents), r (when
--   sessions were last counted one by one), c:<end> (bytes of answers whose time is over then) and
--   t:<replica> ("running waiting until")
-- ARGV: 1 sessions to add, 2 bytes of threads, 3 bytes of documents, 4 replica, 5 its running turns, 6 its
--   waiting turns, 7 milliseconds that holds, 8 milliseconds the key is kept, 9 "" or, when 1 and 2 were
--   counted and take the place of what was there, the most bytes that documents may have;
--   then for each end of answers: milliseconds since 1970, bytes to add
-- Returns: {sessions; bytes of threads; bytes of documents; bytes of answers; running turns of other
--   replicas; waiting ones; 1 if it was ever counted, else 0}
--
-- The first write is one that a full Redis refuses: then nothing is changed.
local call, k = redis.call, KEYS[1]
local mine, gone = 't:' .. ARGV[4], {}
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function add(name, by)
  if by ~= '0' and call('HINCRBY', k, name, by) < 0 then call('HSET', k, name, '0') end
end
if ARGV[9] ~= '' then
  call('HSET', k, 'r', string.format('%.0f', now), 's', ARGV[1], 'b', ARGV[2])
  local documents = (call('HGET', k, 'd') or 0) + 0
  if documents > ARGV[9] + 0 then call('HSET', k, 'd', ARGV[9]) end
else
  add('s', ARGV[1])
  add('b', ARGV[2])
  add('d', ARGV[3])
  if ARGV[5] ~= '0' or ARGV[6] ~= '0' then
    call('HSET', k, mine, ARGV[5] .. ' ' .. ARGV[6] .. ' ' .. string.format('%.0f', now + ARGV[7]))
  end
end
local ends = {}
for i = 10, #ARGV, 2 do
  if ARGV[i + 1]:sub(1, 1) == '-' then
    ends[#ends + 1] = i
  else
    call('HINCRBY', k, 'c:' .. ARGV[i], ARGV[i + 1])
  end
end
local all = call('HGETALL', k)
-- What went is taken from where it was added, which is at its end or somewhat later.
for _, i in ipairs(ends) do
  local left, from, best = -ARGV[i + 1], ARGV[i] + 0, nil
  for j = 1, #all, 2 do
    local at = all[j]:sub(1, 2) == 'c:' and all[j]:sub(3) + 0
    if at and at >= from and all[j + 1] + 0 >= left and (not best or at < all[best]:sub(3) + 0) then best = j end
  end
  if best then all[best + 1] = string.format('%.0f', call('HINCRBY', k, all[best], ARGV[i + 1])) end
end
local sessions, threads, documents, counted, cached, running, waiting = 0, 0, 0, 0, 0, 0, 0
for j = 1, #all, 2 do
  local name, value = all[j], all[j + 1]
  if name == 's' then
    sessions = value + 0
  elseif name == 'b' then
    threads = value + 0
  elseif name == 'd' then
    documents = value + 0
  elseif name == 'r' then
    counted = 1
  elseif name:sub(1, 2) == 'c:' then
    if name:sub(3) + 0 <= now or value + 0 <= 0 then
      gone[#gone + 1] = name
    else
      cached = cached + value
    end
  elseif name:sub(1, 2) == 't:' then
    local runs, waits, till = value:match('^(%d+) (%d+) (%d+)$')
    if not till or till + 0 <= now or (name == mine and ARGV[5] == '0' and ARGV[6] == '0') then
      gone[#gone + 1] = name
    elseif name ~= mine then
      running, waiting = running + runs, waiting + waits
    end
  end
end
for _, name in ipairs(gone) do call('HDEL', k, name) end
call('PEXPIRE', k, ARGV[8])
return {sessions, threads, documents, cached, running, waiting, counted}
