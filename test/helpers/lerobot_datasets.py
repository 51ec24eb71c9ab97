"""Small LeRobot datasets, written as LeRobot writes them, without LeRobot.

v3.0 as of LeRobot 0.4 to 0.6: several episodes in a file, and in a video; v2.1 as of 0.1 to 0.3:
a file for each episode. What is in them is a function of the episode and the frame.
"""

import io
import json
from fractions import Fraction
from functools import cache

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

STATE, ACTION, ENVIRONMENT = 'observation.state', 'action', 'observation.environment_state'
JOINTS = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')
NAMES = tuple(f'{joint}.pos' for joint in JOINTS)
TASKS = ('pick up the cube', 'open the drawer')
LENGTHS = (12, 9, 15)
# A keyframe for every other frame, as LeRobot does: random frames decode fast.
ENCODING = {'g': '2', 'crf': '30'}
OPTIONS = {
    'libx264': {'bf': '0', 'preset': 'veryfast'},
    'libx265': {'bf': '0', 'preset': 'veryfast', 'x265-params': 'log-level=none'},
    'libsvtav1': {'preset': '12', 'svtav1-params': 'keyint=2'},
}
INFO_NAMES = {'libx264': 'h264', 'libx265': 'hevc', 'libsvtav1': 'av1'}
_COUNTERS = ('frame_index', 'episode_index', 'index', 'task_index')


def state(episode, k):
    """The measured joints, in degrees, and a gripper from 0 to 100."""
    return np.array([*(10 * np.sin(0.1 * k + np.arange(5)) + episode), 50 - k], np.float32)


def action(episode, k):
    """The commanded joints, which are reached a frame later."""
    return state(episode, k + 1)


def task(episode, tasks=TASKS):
    """What an episode is to do: tasks take turns."""
    return tasks[episode % len(tasks)]


def picture(camera, episode, k, size=(48, 64)):
    """RGB, shape (height, width, 3): a square that goes on from frame to frame."""
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    image[..., camera % 3] = np.linspace(30, 200, width, dtype=np.uint8)
    image[..., (camera + 1) % 3] = 40 * (episode % 6)
    x, y = 3 * k % (width - 12), (5 * episode + k) % (height - 12)
    image[y : y + 12, x : x + 12] = 255 - 8 * (k % 16)
    return image


def write_lerobot(
    folder,
    version='v3.0',
    *,
    lengths=LENGTHS,
    fps=30,
    joints=NAMES,
    form='flat',
    numbers=(state, action),
    extra=None,
    cameras=('front', 'wrist'),
    dtype='video',
    size=(48, 64),
    codec='libx264',
    options=None,
    timescale=None,
    per_file=None,
    tasks=TASKS,
    robot_type='so101',
    scenes=None,
):
    """Write a dataset, and give its folder.

    Args:
        folder: Where; it is made.
        version: ``v3.0`` or ``v2.1``.
        lengths: Frames of each episode.
        fps: Frames per second; a float or a Fraction as well.
        joints: Names of the numbers of state and action.
        form: How ``meta/info.json`` names them: ``flat``, ``nested`` or ``dict``; None: not.
        numbers: State and action of (episode, k).
        extra: More features: name -> a function of (episode, k) that gives an array.
        cameras: The last words of the images' features.
        dtype: ``video``, or ``image``: PNG in the table.
        size: Height and width of an image.
        codec: One of ``OPTIONS``.
        options: More options of the codec, such as ``{'bf': '2', 'g': '12'}``.
        timescale: Ticks per second of a video; None: what ffmpeg chooses.
        per_file: Episodes in a file of v3.0; None: all.
        tasks: What is to be done, by turns.
        robot_type: As LeRobot calls the robot.
        scenes: Episodes whose pictures differ; those after them show the same, in turns.
            None: all differ. Many are written much faster so.
    """
    scenes = scenes or len(lengths)
    vectors = {STATE: numbers[0], ACTION: numbers[1], **(extra or {})}
    images = [f'observation.images.{camera}' for camera in cameras]
    features = _features(vectors, joints, form)
    for key in images:
        features[key] = _image_feature(dtype, size, fps, codec)
    features |= {'timestamp': _counter('float32')} | {key: _counter('int64') for key in _COUNTERS}
    tables = _tables(vectors, images if dtype == 'image' else [], lengths, fps, size, tasks)
    encode = _encoder(size, fps, codec, options or {}, timescale)
    videos = {
        key: [encode(number, episode % scenes, length) for episode, length in enumerate(lengths)]
        for number, key in enumerate(images if dtype == 'video' else [])
    }
    info = {
        'codebase_version': version,
        'robot_type': robot_type,
        'total_episodes': len(lengths),
        'total_frames': sum(lengths),
        'total_tasks': len({task(episode, tasks) for episode in range(len(lengths))}),
        'chunks_size': 1000,
        'fps': fps if isinstance(fps, int) else float(fps),
        'splits': {'train': f'0:{len(lengths)}'},
    }
    (folder / 'meta').mkdir(parents=True)
    write = _write_v30 if version == 'v3.0' else _write_v21
    info |= write(folder, tables, videos, lengths, tasks, per_file or len(lengths), timescale)
    (folder / 'meta' / 'info.json').write_text(json.dumps(info | {'features': features}, indent=4))
    return folder


def _write_v30(folder, tables, videos, lengths, tasks, per_file, timescale):
    rows = [{'episode_index': episode} for episode in range(len(lengths))]
    for start in range(0, len(lengths), per_file):
        some = range(start, min(start + per_file, len(lengths)))
        chunk, file = 0, start // per_file
        place = {'chunk_index': chunk, 'file_index': file}
        path = folder / f'data/chunk-000/file-{file:03d}.parquet'
        _write_table(path, *(tables[episode] for episode in some))
        for key, encoded in videos.items():
            path = folder / f'videos/{key}/chunk-000/file-{file:03d}.mp4'
            times = concatenate([encoded[episode] for episode in some], path, timescale)
            for episode, (begin, end) in zip(some, times, strict=True):
                rows[episode] |= {f'videos/{key}/{name}': value for name, value in place.items()}
                rows[episode] |= {
                    f'videos/{key}/from_timestamp': begin,
                    f'videos/{key}/to_timestamp': end,
                }
        for episode in some:
            rows[episode] |= {
                'tasks': [task(episode, tasks)],
                'length': lengths[episode],
                'dataset_from_index': sum(lengths[:episode]),
                'dataset_to_index': sum(lengths[: episode + 1]),
                'meta/episodes/chunk_index': 0,
                'meta/episodes/file_index': 0,
            } | {f'data/{name}': value for name, value in place.items()}
            rows[episode] |= {
                f'stats/{key}/{name}': value
                for key, found in _statistics(tables[episode]).items()
                for name, value in found.items()
            }
    _write_table(folder / 'meta/episodes/chunk-000/file-000.parquet', pa.Table.from_pylist(rows))
    # The tasks are the index that pandas restores, under the name that LeRobot 0.4 gives it.
    table = pa.table({'task_index': range(len(tasks)), '__index_level_0__': tasks})
    column = {'field_name': '__index_level_0__', 'name': None, 'metadata': None}
    kind = {'pandas_type': 'unicode', 'numpy_type': 'object'}
    pandas = {'index_columns': ['__index_level_0__'], 'column_indexes': []}
    pandas |= {'columns': [column | kind], 'pandas_version': '2.0.0'}
    table = table.replace_schema_metadata({'pandas': json.dumps(pandas)})
    _write_table(folder / 'meta/tasks.parquet', table)
    (folder / 'meta/stats.json').write_text(json.dumps(_statistics(pa.concat_tables(tables))))
    return {
        'data_files_size_in_mb': 100,
        'video_files_size_in_mb': 200,
        'data_path': 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
        'video_path': 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
        if videos
        else None,
    }


def _write_v21(folder, tables, videos, lengths, tasks, per_file, timescale):
    for episode, table in enumerate(tables):
        _write_table(folder / f'data/chunk-000/episode_{episode:06d}.parquet', table)
        for key, encoded in videos.items():
            path = folder / f'videos/chunk-000/{key}/episode_{episode:06d}.mp4'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded[episode])
    lines = {
        'episodes': [
            {'episode_index': episode, 'tasks': [task(episode, tasks)], 'length': length}
            for episode, length in enumerate(lengths)
        ],
        'episodes_stats': [
            {'episode_index': episode, 'stats': _statistics(table)}
            for episode, table in enumerate(tables)
        ],
        'tasks': [{'task_index': index, 'task': text} for index, text in enumerate(tasks)],
    }
    for name, records in lines.items():
        text = ''.join(json.dumps(record) + '\n' for record in records)
        (folder / f'meta/{name}.jsonl').write_text(text)
    return {
        'total_videos': len(videos) * len(lengths),
        'total_chunks': 1,
        'data_path': 'data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet',
        'video_path': 'videos/chunk-{episode_chunk:03d}/{video_key}'
        '/episode_{episode_index:06d}.mp4'
        if videos
        else None,
    }


def _features(vectors, joints, form):
    features = {}
    for key, function in vectors.items():
        value = np.asarray(function(0, 0))
        names = None
        if key in (STATE, ACTION) and form:
            nested = {'motors': list(joints)}
            numbered = {name: index for index, name in enumerate(joints)}
            names = {'flat': list(joints), 'nested': nested, 'dict': numbered}[form]
        shape = list(value.shape) or [1]
        features[key] = {'dtype': str(value.dtype), 'shape': shape, 'names': names}
    return features


def _image_feature(dtype, size, fps, codec):
    feature = {'dtype': dtype, 'shape': [*size, 3], 'names': ['height', 'width', 'channels']}
    if dtype == 'image':
        return feature
    info = {
        'video.height': size[0],
        'video.width': size[1],
        'video.codec': INFO_NAMES[codec],
        'video.pix_fmt': 'yuv420p',
        'video.is_depth_map': False,
        'video.fps': fps if isinstance(fps, int) else float(fps),
        'video.channels': 3,
        'has_audio': False,
    }
    return feature | {'info': info}


def _counter(dtype):
    return {'dtype': dtype, 'shape': [1], 'names': None}


def _tables(vectors, images, lengths, fps, size, tasks):
    tables, first = [], 0
    for episode, length in enumerate(lengths):
        steps = np.arange(length)
        columns = {
            key: _column(np.stack([np.asarray(function(episode, k)) for k in steps]))
            for key, function in vectors.items()
        }
        for number, key in enumerate(images):
            pictures = (picture(number, episode, k, size) for k in steps)
            cells = [
                {'bytes': _png(image), 'path': f'frame-{k:06d}.png'}
                for k, image in enumerate(pictures)
            ]
            kind = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
            columns[key] = pa.array(cells, kind)
        columns |= {
            'timestamp': pa.array((steps / float(fps)).astype(np.float32)),
            'frame_index': pa.array(steps),
            'episode_index': pa.array(np.full(length, episode)),
            'index': pa.array(first + steps),
            'task_index': pa.array(np.full(length, episode % len(tasks))),
        }
        tables.append(pa.table(columns))
        first += length
    return tables


def _column(values):
    """Plain numbers where there is one a frame, as LeRobot writes them."""
    if values.ndim == 1 or values.shape[1:] == (1,):
        return pa.array(values.ravel())
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def _png(image):
    return cv2.imencode('.png', image[..., ::-1])[1].tobytes()


def _statistics(table):
    found = {}
    for name in table.column_names:
        if pa.types.is_struct(table.schema.field(name).type):
            continue
        values = np.array(table[name].to_pylist(), float).reshape(table.num_rows, -1)
        found[name] = {
            key: getattr(np, key)(values, axis=0).tolist() for key in ('min', 'max', 'mean', 'std')
        } | {'count': [table.num_rows]}
    return found


def _write_table(path, *tables):
    """Write tables one after the other, each a group of rows, as LeRobot does with episodes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)


def _encoder(size, fps, codec, options, timescale):
    """A function that makes an mp4 file of the pictures of an episode, once for equal ones."""
    rate = Fraction(fps).limit_denominator(10_000)
    chosen = ENCODING | OPTIONS[codec] | options

    @cache
    def encode(camera, episode, length):
        images = [picture(camera, episode, k, size) for k in range(length)]
        file = io.BytesIO()
        with av.open(file, 'w', format='mp4', options=_muxing(timescale)) as container:
            stream = container.add_stream(codec, rate=rate, options=chosen)
            stream.height, stream.width = size
            stream.pix_fmt = 'yuv420p'
            stream.time_base = 1 / rate
            stream.codec_context.thread_count = 1
            for k, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                frame.pts, frame.time_base = k, 1 / rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return file.getvalue()

    return encode


def concatenate(files, path, timescale=None):
    """Copy videos one after the other into one; gives when each begins and ends, [s]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times, begin = [], 0.0
    with av.open(str(path), 'w', options=_muxing(timescale)) as written:
        stream = None
        for file in files:
            with av.open(io.BytesIO(file)) as read:
                given = read.streams.video[0]
                stream = stream or written.add_stream_from_template(given, opaque=True)
                shift = round(begin / given.time_base)
                for packet in read.demux(given):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        written.mux(packet)
                end = begin + float(given.duration * given.time_base)
                times.append((begin, end))
                begin = end
    return times


def _muxing(timescale):
    return {'video_track_timescale': str(timescale)} if timescale else {}
