-- Part of every write of a turn: what changes a session.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 turn's record, 7 turn's log,
--   8 turns that are due, [9 idempotency record]
-- ARGV: 1 to 6 as in part-retry, 7 turn, 8 its random part, then the script's own
--
-- In the session's hash, when status has a +: 'T' the running turn,
-- 'turn attempt lease cancel last tag version count due ':
-- lease is when its owner is taken for dead, cancel '-', 'k' (keep) or 'r' (rollback), last the seq of
-- the log's last event, tag that of the write that began the attempt, version and count where its
-- input stands in the thread, due what its due time was moved to by its owner; 'Q' the random parts of the turns that wait, 'E' of the newest 100 that
-- ended, newest first, each with a space after it. Apart from 'p', so that an append
-- looks at none of these, unless a turn runs.
--
-- Turn's record: u when its session was made, f the position at which it was taken in, w the state
-- that the last write of it answered, c created, m model, k how long it is kept, q request, h head of
-- the change of its start, n input's messages and b their bytes with their ids, and while it
-- waits i1, d1, i2 … their ids and bodies; z started, v 'version-tag id …' of its input; s status,
-- a attempt, e ended, j end, o 'version-tag id …' of its output.
--
-- Due: a session's path by when its running turn's lease ends, or by now when only turns wait. Its
-- owner moves it well before that time comes, so that nobody looks after a turn that is looked after;
-- it is never after the truth.

-- #include part-keep

-- Adds messages in the version; answers ids as a record names them, and what tell publishes of them.
local function say(version, stamp, count, message)
  local ids, sizes, said = '', '', {}
  for i = 1, count do
    local id, text = message(i)
    local entry = version .. format('-%d', i - 1)
    q = q + 1
    call('XADD', KEYS[3], entry, 'h', ARGV[1] .. ' ' .. format('%d', q) .. ' ' .. stamp .. ' ' .. id, 'b', text)
    if id ~= '' then call('HSET', KEYS[4], id, entry) end
    ids = ids .. (id == '' and ' -' or id == '-' and ' ~-' or ' ' .. id)
    sizes = sizes .. format(' %d %d', #id, #text)
    said[i] = id .. text
    b = b + #text + #id
  end
  c = c + count
  return ids, sizes .. ' ', said
end

-- Writes the state, logs the change, publishes it: the JSON alone; or, of one that tells messages,
-- '*n', bytes of the head, for each message bytes of its id and its body, a space, the head, all ids
-- and bodies; or nothing when it is too long.
local function tell(version, stamp, head, count, sizes, said)
  local line = format('%s %d %d %d %d %s', version, q, c, b, e, stamp)
  local state = ARGV[1] .. ' ' .. line .. tail
  call('HSET', KEYS[1], 'p', state)
  state = lasting(state)
  if count then
    call('XADD', KEYS[5], 'MAXLEN', 256, version .. '-0', 't', ARGV[1], 'z', stamp, 'c', head, 'n', count)
  else
    call('XADD', KEYS[5], 'MAXLEN', 256, version .. '-0', 't', ARGV[1], 'z', stamp, 'c', head)
  end
  local frame, bytes = head, #head
  if count then
    for i = 1, count do bytes = bytes + #said[i] end
    frame = bytes > 2048 and '' or format('*%d %d', count, #head) .. sizes .. head .. table.concat(said)
  end
  call(ARGV[6], ARGV[5], format('%d ', call('HINCRBY', KEYS[2], 'seq', '1')) .. t .. ' ' .. ARGV[1] .. ' ' .. ARGV[4] .. ' ' .. line .. ' ' .. frame)
  return state
end

local function remember(version, tag, words)
  if body ~= '' then
    call('SET', KEYS[9], 'D ' .. body .. ' ' .. version .. '-' .. tag .. words, 'PX', 86400000)
  end
end

local function due(at)
  call('ZADD', KEYS[8], format('%d', at), ARGV[4])
end

-- Where it stands in the queue, 1 for the next one, or nil. Random parts have 16 characters.
local function place(waiting, part)
  local at = waiting and string.find(waiting, part .. ' ', 1, true)
  return at and (at + 16) / 17
end

-- Puts it among the ended ones, and lets its keys go when its time is over.
local function leave(ended)
  call('HSET', KEYS[1], 'E', string.sub(ARGV[8] .. ' ' .. (ended or ''), 1, 1700))
  local keep = call('HGET', KEYS[6], 'k')
  call('PEXPIRE', KEYS[6], keep)
  call('PEXPIRE', KEYS[7], keep)
end
