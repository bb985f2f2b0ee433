-- A line holds the waiting messages of one queue, priority and task; `slot` is "priority:task". The length in front
-- of the queue's name keeps any two names apart. Scores are due instants, members are turn (14 digits), flags (one
-- digit: 1 expires, 2 indexed, 4 crashed) and id, so equal scores sort by turn.
local function line_key(queue, slot)
  return K .. 'l:' .. #queue .. ':' .. queue .. ':' .. slot
end

local function ear_key(queue, digest)
  return K .. 'ear:' .. #queue .. ':' .. queue .. ':' .. digest
end

local function line_up(queue, slot, places)
  chunked('ZADD', line_key(queue, slot), places)
  if redis.call('SADD', K .. 'q:' .. queue, slot) == 1 then redis.call('SADD', K .. 'queues', queue) end
end

-- Wake as many idle children as there are new due messages, and only such as know the task. An ear was left by a claim
-- that found nothing; one that nobody listens at any more is passed over.
local function wake(queue, task, count)
  for _, digest in ipairs(redis.call('SMEMBERS', K .. 'ears:' .. queue)) do
    if digest == '*' or redis.call('SISMEMBER', K .. 'known:' .. digest, task) == 1 then
      while count > 0 do
        local ear = redis.call('SPOP', ear_key(queue, digest))
        if not ear then
          redis.call('SREM', K .. 'ears:' .. queue, digest)
          break
        end
        if redis.call('PUBLISH', ear, '1') > 0 then count = count - 1 end
      end
    end
  end
end
