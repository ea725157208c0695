-- What a turn's writes do to a session.
-- Reads: what turn, retry, advance and owned leave
-- Defines: say (adds messages in the version; their ids as a record names them, and what tell publishes of them), tell (writes the
--   state, logs the change, publishes it: the JSON alone; or, of one that tells messages, '*n', bytes of the head, for each message
--   bytes of its id and its body, a space, the head, all ids and bodies; or nothing when it is too long), due, place (where it stands
--   in the queue, 1 for the next one, or nil), leave (puts it among the ended ones, and lets its keys go when its time is over)
--
-- In the session's hash, when status has a +: 'T' the running turn, 'turn attempt lease cancel last tag version count due ': lease is
-- when its owner is taken for dead, cancel '-', 'k' (keep) or 'r' (rollback), last the seq of the log's last event, tag that of the write
-- that began the attempt, version and count where its input stands in the thread, due what its due time was moved to by its owner; 'Q'
-- the random parts of the turns that wait, 'E' of the newest 100 that ended, newest first, each with a space after it. Apart from 'p',
-- so that an append looks at none of these, unless a turn runs.
--
-- Turn's record: u when its session was made, f the position at which it was taken in, w the state that the last write of it answered,
-- c created, m model, k how long it is kept, q request, h head of the change of its start, n input's messages and b their bytes with
-- their ids, and while it waits i1, d1, i2 … their ids and bodies; z started, v 'version-tag id …' of its input; s status, a attempt,
-- e ended, j end, o 'version-tag id …' of its output.
--
-- Due: a session's path by when its running turn's lease ends, or by now when only turns wait. Its owner moves it well before that time
-- comes, so that nobody looks after a turn that is looked after; it is never after the truth.
local function say(given, message)
  local ids, sizes, said = '', '', {}
  for i = 1, given do
    local id, text = message(i)
    local entry = version .. format('-%d', i - 1)
    last_seq = format('%d', last_seq + 1)
    -- #include add_message
    sizes = sizes .. format(' %d %d', #id, #text)
    said[i] = id .. text
    bytes = bytes + #text + #id
  end
  count = count + given
  return ids, sizes .. ' ', said
end

local function tell(head, given, sizes, said)
  local updated_at = stamp
  -- #include keep_keys
  -- #include pack
  call('HSET', key_session, 'p', state)
  local frame, size = head, #head
  if not given then
    call('XADD', key_changes, 'MAXLEN', MAX_CHANGES, version .. '-0', 't', tag, 'z', stamp, 'c', head)
  else
    call('XADD', key_changes, 'MAXLEN', MAX_CHANGES, version .. '-0', 't', tag, 'z', stamp, 'c', head, 'n', given)
    for i = 1, given do size = size + #said[i] end
    frame = size > PUBLISHED_BYTES and '' or format('*%d %d', given, #head) .. sizes .. head .. table.concat(said)
  end
  -- #include publish
  return state
end

local function due(at)
  call('ZADD', key_turns_due, format('%d', at), path)
end

local function place(queue)
  local at = queue and string.find(queue, part .. ' ', 1, true)
  return at and (at + PART_WIDTH - 1) / PART_WIDTH
end

local function leave(before)
  call('HSET', key_session, 'E', string.sub(part .. ' ' .. (before or ''), 1, ENDED_TURNS * PART_WIDTH))
  local kept = call('HGET', key_turn, 'k')
  call('PEXPIRE', key_turn, kept)
  call('PEXPIRE', key_log, kept)
end
