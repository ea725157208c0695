-- Adds messages at the end of the thread, all in one version.
-- KEYS: @write, thread, ids? (if a message has one), record?
-- ARGV: @write, max_bytes (of a session), added_bytes (of all bodies and client ids), announced (how the published change begins: ' +n',
--   for each message ' idBytes bodyBytes', and a space; or '' when the bodies are too long to be published), [id, body]*
-- Returns: as write; {state, turn} while a turn runs; refused also {0, 'message-exists', id}
--
-- It declares only keys that exist from create on (but the record of an idempotency key): while a Cluster slot moves, one absent
-- declared key would refuse the whole append.
-- #include write
local key_thread, key_ids = KEYS[3], KEYS[4]
local max_bytes, added_bytes, announced, id, text = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
-- #include retry
-- #include session
if status ~= 'a' and string.byte(status) == 99 then return {0, 'session-complete'} end
local last = #ARGV
for i = 10, last, 2 do
  if ARGV[i] ~= '' then
    local at = call('HGET', key_ids, ARGV[i])
    if at and #call('XRANGE', key_thread, at, at) > 0 then return {0, 'message-exists', ARGV[i]} end
  end
end
bytes = bytes + added_bytes
if bytes > max_bytes + 0 then return {0, 'session-too-large'} end

-- #include advance
local entry, ids, first, more = version .. '-0', key_record and '', text, ''
last_seq = format('%d', last_seq + 1)
-- #include add_message
for i = 12, last, 2 do
  id, text = ARGV[i], ARGV[i + 1]
  entry, last_seq = version .. format('-%d', (i - 10) / 2), format('%d', last_seq + 1)
  -- #include add_message
end
count = count + (last - 9) / 2
-- #include keep_keys
-- #include pack
call('HSET', key_session, 'p', state)
-- #include remember
id = ARGV[10]
if announced == '' then
  id, first = '', format(' +%d', (last - 9) / 2)
elseif last > 11 then
  more = table.concat(ARGV, '', 12)
end
call(publish, channel, format('%d ', call('HINCRBY', key_partition, 'seq', '1')) .. previous .. ' ' .. tag .. ' ' .. path .. ' ' .. line ..
  announced .. id .. first .. more)
return turn and {state, turn} or state
