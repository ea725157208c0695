-- Adds events to a running turn's log and renews its lease; tells them on the live channel.
--
-- KEYS: 1 session, 2 turn's log, 3 turns that are due
-- ARGV: 1 'turn attempt', 2 seq of the last event its owner knows to be in the log, 3 lease in
--   milliseconds, 4 publish command, 5 live channel, 6 how the message begins, up to its seq, then the
--   events
-- Returns: {1, seq of the log's last event, cancel, 1 if a full Redis refused the events, else 0} | {0} it
--   is not this attempt's any more
--
-- Events that are there already, because this was sent before, are not added again. A log that does
-- not reach to what its owner knows, because a failover lost its end, is renewed and left as it is. A
-- full Redis takes no events, but renews: its owner lives, and will end the turn.
-- The due time is moved when half of the lease is left until it, which is seldom, and before anybody
-- finds it.
local call, format, KEYS, ARGV = redis.call, string.format, KEYS, ARGV
local p, T = unpack(call('HMGET', KEYS[1], 'p', 'T'))
if not T then return {0} end
local fence, before, cancel, last, rest, due = string.match(T, '^(%S+ %d+) (%d+) (%S) (%d+)( .* )(%d+) $')
if fence ~= ARGV[1] then return {0} end
last = last + 0
local count = #ARGV - 6
local there = math.min(count, last - ARGV[2])
if there > 0 then
  local entries = call('XRANGE', KEYS[2], format('%d-0', ARGV[2] + 1), '+', 'COUNT', format('%d', there))
  for i = 1, there do
    if not entries[i] or entries[i][2][2] ~= ARGV[6 + i] then return {0} end
  end
end
local clock = call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
now = now - now % 1
local lease = now + ARGV[3]
local first, full = last + 1, 0
if there >= 0 then
  for i = there + 1, count do
    local added = redis.pcall('XADD', KEYS[2], format('%d-0', last + 1), 'e', ARGV[6 + i])
    if type(added) == 'table' then
      if not string.find(added.err, 'OOM', 1, true) then return added end
      full = 1
      break
    end
    last = last + 1
  end
end
-- Passes on a full Redis, and with it what follows.
if last < first then call('HDEL', KEYS[1], '~') end
-- A shorter one than before: the due time must never be after the truth.
if lease < before + 0 or due - now < ARGV[3] / 2 then
  due = lease
  call('ZADD', KEYS[3], format('%d', due), string.match(ARGV[5], ':live:(.*)$'))
end
call('HSET', KEYS[1], 'T', format('%s %d %s %d%s%d ', fence, lease, cancel, last, rest, due))
local head, e, middle = string.match(p, '^(%S+ %d+ %d+ %d+ %d+ )(%d+)( .*)$')
if e + 0 < lease + 10000 then
  p = head .. format('%d', lease + 10000) .. middle
  call('HSET', KEYS[1], 'p', p)
  -- #include part-keep
  lasting(p)
end
if last >= first then
  call(ARGV[4], ARGV[5], ARGV[6] .. format('%d', first) .. ',"events":[' .. table.concat(ARGV, ',', 7 + math.max(0, there)) .. ']}')
end
return {1, last, cancel, full}
