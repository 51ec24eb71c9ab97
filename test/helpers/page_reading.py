"""Pages as tests read them: tables, what the viewer is given, and what would be fetched."""

import base64
import json
import re
import zlib

import cv2
import numpy as np

NOTHING, LEVELS = 4095, 4094


def tables(page):
    """Cells of each row of each table, as their HTML without that of links and words."""
    return [
        [
            [
                re.sub(r'</?(?:a|abbr)\b[^>]*>', '', cell)
                for cell in re.findall(r'<t[hd][^>]*>(.*?)</t[hd]>', row, re.DOTALL)
            ]
            for row in re.findall(r'<tr[^>]*>(.*?)</tr>', table, re.DOTALL)
        ]
        for table in re.findall(r'<table[^>]*>(.*?)</table>', page, re.DOTALL)
    ]


def rows_under(page, heading):
    """Rows of the first table below a heading of level 2, without those of its head."""
    part = re.search(rf'<h2[^>]*>{re.escape(heading)}</h2>(.*?)(?:<h2|$)', page, re.DOTALL)[1]
    return tables(part)[0][1:]


def shown(page):
    """Key -> what the viewer shows of an episode."""
    found = re.findall(r'<script type="application/json" id="data-([^"]+)">(.*?)</script>', page)
    return {key: json.loads(text) for key, text in found}


def lines(data):
    """(title of a chart, label) -> its values; NaN where there is none."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(data['numbers'])), np.uint8)
    low, high = planes.reshape(2, -1, data['points']).astype(np.uint16)
    codes = np.cumsum(low + 256 * high, axis=1, dtype=np.uint16)
    found = {}
    for chart in data['charts']:
        for line in chart['lines']:
            own = codes[len(found)].astype(float)
            span = line['high'] - line['low']
            values = np.where(own == NOTHING, np.nan, line['low'] + span * own / LEVELS)
            found[chart['title'], line['label']] = values
    return found


def pictures(camera):
    """The frames of a camera, BGR, in their order."""
    data = base64.b64decode(camera['src'].partition(',')[2])
    sheet = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
    height, width, columns = camera['height'], camera['width'], camera['columns']
    places = [divmod(n, columns) for n in range(len(camera['steps']))]
    return [
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        for row, column in places
    ]


def fetched(page):
    """Addresses that a page would fetch or lead to, besides places of its own."""
    # What a browser runs of others, comments and names of namespaces, fetches nothing.
    plain = re.sub(r'<script>.*?</script>', '', page, flags=re.DOTALL)
    found = re.findall(r'(?:src|href|action|srcset)="(?!data:|#)[^"]*', plain)
    found += re.findall(r'@import[^;]*|url\((?!data:)[^)]*', plain)
    return found + re.findall(r'https?://(?!www\.w3\.org/2000/svg|github\.com/leeoniya)\S*', plain)
