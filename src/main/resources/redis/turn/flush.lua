-- Appends events to a running turn's log, renews the lease and publishes the events on the live channel.
-- KEYS: session, log, turns_due
-- ARGV: attempt ('turn attempt'), known (seq of the last event its owner knows to be in the log), lease_millis, publish, live_channel, head
--   (how the message begins, up to its seq), event*
-- Returns: {1, seq of the log's last event, cancel, 1 if a full Redis refused the events, else 0} | {0} it is not this attempt's any more
--
-- Events that an unanswered call has added already are not added again. If a failover lost the end of the log, the lease is renewed and the
-- log left as it is. A full Redis takes no events but renews the lease: the owner lives and will end the turn. The due time moves when only
-- half a lease is left until it: seldom, and before a reaper finds it.
local call, format, KEYS, ARGV = redis.call, string.format, KEYS, ARGV
local key_session, key_log, key_turns_due = KEYS[1], KEYS[2], KEYS[3]
local attempt, known, lease_millis, publish, live_channel, head = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local packed, running = unpack(call('HMGET', key_session, 'p', 'T'))
if not running then return {0} end
local fence, before, cancel, last, rest, due = string.match(running, '^(%S+ %d+) (%d+) (%S) (%d+)( .* )(%d+) $')
if fence ~= attempt then return {0} end
last = last + 0
local given = #ARGV - 6
local there = math.min(given, last - known)
if there > 0 then
  local entries = call('XRANGE', key_log, format('%d-0', known + 1), '+', 'COUNT', format('%d', there))
  for i = 1, there do
    if not entries[i] or entries[i][2][2] ~= ARGV[6 + i] then return {0} end
  end
end
-- #include clock
local lease = now + lease_millis
local first, full = last + 1, 0
if there >= 0 then
  for i = there + 1, given do
    local added = redis.pcall('XADD', key_log, format('%d-0', last + 1), 'e', ARGV[6 + i])
    if type(added) == 'table' then
      if not string.find(added.err, 'OOM', 1, true) then return added end
      full = 1
      break
    end
    last = last + 1
  end
end
if last < first then
  -- #include pass
end
-- The lease may be shorter now, and a due time must never be later than the truth.
if lease < before + 0 or due - now < lease_millis / 2 then
  due = lease
  call('ZADD', key_turns_due, format('%d', due), string.match(live_channel, ':live:(.*)$'))
end
call('HSET', key_session, 'T', format('%s %d %s %d%s%d ', fence, lease, cancel, last, rest, due))
if string.match(packed, '^%S+ %d+ %d+ %d+ %d+ (%d+)') + 0 < lease + LEASE_MARGIN_MILLIS then
  -- #include parse
  -- #include parse_rest
  expires_at = lease + LEASE_MARGIN_MILLIS
  -- #include keep_keys
  -- #include repack
  call('HSET', key_session, 'p', state)
end
if last >= first then
  call(publish, live_channel, head .. format('%d', first) .. ',"events":[' .. table.concat(ARGV, ',', 7 + math.max(0, there)) .. ']}')
end
return {1, last, cancel, full}
