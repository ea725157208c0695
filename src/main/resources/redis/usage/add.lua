-- Adds to what a user has, and tells what there is.
-- KEYS: usage (a hash: s sessions, b bytes of threads, d bytes of documents, r when sessions were last counted one by one, c:<end> bytes of
--   answers whose time is over then, t:<replica> 'running waiting until')
-- ARGV: sessions (to add), threads (bytes to add), documents (bytes to add), replica, running (its turns), waiting (its turns), holds (the
--   milliseconds that holds), kept (the milliseconds the key is), most ('' or, when the first two were counted and take the place of what was
--   there, the most bytes that documents may have), [end (of answers, milliseconds since 1970), bytes (to add)]*
-- Returns: {sessions; bytes of threads; bytes of documents; bytes of answers; running turns of other replicas; waiting ones; 1 if it was ever
--   counted, else 0}
--
-- The first write is one that a full Redis refuses: then nothing is changed.
local call, key_usage = redis.call, KEYS[1]
local sessions, threads, documents, replica, running, waiting, holds, kept, most = unpack(ARGV, 1, 9)
-- #include clock
local mine, idle = 't:' .. replica, running == '0' and waiting == '0'
local function add(name, by)
  if by ~= '0' and call('HINCRBY', key_usage, name, by) < 0 then call('HSET', key_usage, name, '0') end
end
if most ~= '' then
  call('HSET', key_usage, 'r', string.format('%d', now), 's', sessions, 'b', threads)
  if (call('HGET', key_usage, 'd') or 0) + 0 > most + 0 then call('HSET', key_usage, 'd', most) end
else
  add('s', sessions)
  add('b', threads)
  add('d', documents)
  if not idle then call('HSET', key_usage, mine, running .. ' ' .. waiting .. ' ' .. string.format('%d', now + holds)) end
end
local ends = {}
for i = 10, #ARGV, 2 do
  if ARGV[i + 1]:sub(1, 1) == '-' then
    ends[#ends + 1] = i
  else
    call('HINCRBY', key_usage, 'c:' .. ARGV[i], ARGV[i + 1])
  end
end
local all = call('HGETALL', key_usage)
-- What went is taken from where it was added, which is at its end or somewhat later.
for _, i in ipairs(ends) do
  local left, from, best = -ARGV[i + 1], ARGV[i] + 0, nil
  for j = 1, #all, 2 do
    local at = all[j]:sub(1, 2) == 'c:' and all[j]:sub(3) + 0
    if at and at >= from and all[j + 1] + 0 >= left and (not best or at < all[best]:sub(3) + 0) then best = j end
  end
  if best then all[best + 1] = string.format('%d', call('HINCRBY', key_usage, all[best], ARGV[i + 1])) end
end
local total, gone = {s = 0, b = 0, d = 0, r = 0, c = 0, running = 0, waiting = 0}, {}
for j = 1, #all, 2 do
  local name, value = all[j], all[j + 1]
  local kind = name:sub(1, 1)
  if kind == 't' then
    local runs, waits, till = value:match('^(%d+) (%d+) (%d+)$')
    if not till or till + 0 <= now or (name == mine and idle) then
      gone[#gone + 1] = name
    elseif name ~= mine then
      total.running, total.waiting = total.running + runs, total.waiting + waits
    end
  elseif kind == 'c' and (name:sub(3) + 0 <= now or value + 0 <= 0) then
    gone[#gone + 1] = name
  elseif total[kind] then
    total[kind] = total[kind] + value
  end
end
for _, name in ipairs(gone) do call('HDEL', key_usage, name) end
call('PEXPIRE', key_usage, kept)
return {total.s, total.b, total.d, total.c, total.running, total.waiting, total.r > 0 and 1 or 0}
