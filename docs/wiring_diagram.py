"""Diagrams of circuits, drawn from the Nengo networks themselves.

``python docs/wiring_diagram.py FOLDER`` draws every circuit for one pool of four
inputs; ``conf.py`` does the same before the documentation is built.
"""

import sys
from collections import namedtuple
from pathlib import Path

import matplotlib.pyplot as plt
import nengo
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as Curve

import maxpool_circuits as mpc

#: Ensembles of more neurons are drawn as populations of those that hear the same.
MOST_NEURONS = 8
#: Inches per unit of length; all other lengths are in these units.
SCALE = 0.5
#: Distances between columns, elements, objects of a column, lanes and parallel lines.
COLUMN, ELEMENT, OBJECT, LANE, LINE = 3.3, 0.8, 1.3, 0.5, 0.14
#: Half the size of an element, how far its box reaches around it, and where the lines
#: that leave it upward and downward are.
RADIUS, MARGIN, ASIDE = 0.25, 0.42, {"above": 1.05, "below": 0.62}
#: Height of a name over a box, and width of the narrowest diagram.
NAME, NARROWEST = 0.85, 10

COLORS = {"+": "#2066a8", "-": "#c0392b", "+-": "#7b4ea3", "max": "#444444"}
MEANINGS = {
    "+": "positive weight",
    "-": "negative weight",
    "+-": "weights of both signs",
    "max": "maximum",
}

#: Element number ``pre`` of where a connection starts is connected with element number
#: ``post`` of where it ends.
Edge = namedtuple("Edge", "connection pre post sign")
#: Edges that go past other columns on one line, and how far from them.
Lane = namedtuple("Lane", "edges side level")


def draw(network):
    """Draw the objects and connections of a small network from left to right.

    Parameters
    ----------
    network : nengo.Network
        A network with an ``input`` and an ``output`` node.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    connections = network.all_connections
    elements = {node: [[i] for i in range(node.size_out)] for node in network.all_nodes}
    for ensemble in network.all_ensembles:
        elements[ensemble.neurons] = populations(ensemble, connections)
    column = columns(network, elements)
    places = lay_out(elements, column)
    edges = {c: edges_between(c, elements) for c in connections}
    far = [c for c in connections if column[c.post_obj] - column[c.pre_obj] != 1]
    lanes = find_lanes(
        [group for c in far if c.pre_obj != c.post_obj for group in bundles(edges[c])],
        column,
    )

    width = max(column.values()) * COLUMN + 2.4
    # room for the legend
    spare = max(NARROWEST - width, 0) / 2
    left, right = -1.2 - spare, width - 1.2 + spare
    ys = np.concatenate([centres[:, 1] for centres in places.values()])
    bottom, top = ys.min() - MARGIN, ys.max() + MARGIN + NAME
    beyond = {
        side: max([lane.level + 1 for lane in lanes if lane.side == side], default=0)
        for side in ("below", "above")
    }
    limits = bottom - beyond["below"] * LANE - 1.1, top + beyond["above"] * LANE + 0.2
    figure = plt.figure(figsize=(SCALE * (right - left), SCALE * np.diff(limits)[0]))
    ax = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=limits)
    ax.set_axis_off()

    for obj, members in elements.items():
        draw_object(ax, obj, members, places[obj], is_input=obj is network.input)
    for connection in connections:
        if connection.pre_obj == connection.post_obj:
            draw_arcs(ax, edges[connection], places)
        elif connection not in far:
            draw_straight(ax, edges[connection], places)
    draw_lanes(ax, lanes, places, column, {"below": bottom, "above": top})
    signs = {edge.sign for group in edges.values() for edge in group}
    is_one = [len(member) == 1 for group in elements.values() for member in group]
    draw_legend(ax, signs, has_populations=not all(is_one))
    return figure


def weights_of(connection):
    """Weights of a connection between whole nodes and neurons.

    Parameters
    ----------
    connection : nengo.Connection
        The connection.

    Returns
    -------
    (post size, pre size) array
        The weights; ones for the inputs of a maximum.
    """
    transform = connection.transform
    if isinstance(transform, mpc.MaxPool):
        members = transform.windows.indices
        block = (members[:, :, np.newaxis] == np.arange(transform.size_in)).any(axis=1)
    elif isinstance(transform, nengo.transforms.NoTransform):
        block = np.eye(transform.size_in)
    elif isinstance(transform, nengo.Sparse):
        block = transform.init.toarray()
    else:
        block = transform.init * np.eye(connection.size_mid)
    weights = np.zeros((connection.post_obj.size_in, connection.pre_obj.size_out))
    rows = np.arange(len(weights))[connection.post_slice]
    weights[np.ix_(rows, np.arange(weights.shape[1])[connection.pre_slice])] = block
    return weights


def populations(ensemble, connections):
    """Group the neurons of an ensemble into what is drawn as one element.

    Parameters
    ----------
    ensemble : nengo.Ensemble
        The ensemble.
    connections : list of nengo.Connection
        All connections of the network.

    Returns
    -------
    list of list of int
        Neurons that hear the same elements; single neurons if they are few.
    """
    if ensemble.n_neurons <= MOST_NEURONS:
        return [[i] for i in range(ensemble.n_neurons)]
    sources = np.hstack(
        [weights_of(c) != 0 for c in connections if c.post_obj == ensemble.neurons]
    )
    groups = {}
    for neuron, row in enumerate(sources):
        groups.setdefault(row.tobytes(), []).append(neuron)
    return list(groups.values())


def edges_between(connection, elements):
    """List the edges of a connection.

    Parameters
    ----------
    connection : nengo.Connection
        The connection.
    elements : dict of {object: list of list of int}
        What is drawn as one element, for each Nengo object.

    Returns
    -------
    list of Edge
        One for each two elements with a weight between them.
    """
    weights = weights_of(connection)
    is_maximum = isinstance(connection.transform, mpc.MaxPool)
    edges = []
    for pre, pre_members in enumerate(elements[connection.pre_obj]):
        for post, post_members in enumerate(elements[connection.post_obj]):
            block = weights[np.ix_(post_members, pre_members)]
            sign = "+" * bool(np.any(block > 0)) + "-" * bool(np.any(block < 0))
            if sign:
                edges.append(Edge(connection, pre, post, "max" if is_maximum else sign))
    return edges


def columns(network, objects):
    """Number the columns that objects are drawn in.

    Parameters
    ----------
    network : nengo.Network
        The network.
    objects : iterable
        Its nodes and neurons.

    Returns
    -------
    dict of {object: int}
        Length of the longest path from the input, feedback left out. What has no input
        stands just before what it leads to.
    """
    following = {obj: [] for obj in objects}
    for connection in network.all_connections:
        following[connection.pre_obj].append(connection.post_obj)
    column = {}

    def visit(obj, path):
        column[obj] = max(column.get(obj, 0), len(path))
        for post in following[obj]:
            if post != obj and post not in path:
                visit(post, [*path, obj])

    visit(network.input, [])
    for obj in objects:
        if obj not in column:
            column[obj] = min(column[post] for post in following[obj]) - 1
    return column


def lay_out(elements, column):
    """Place the elements of each object.

    Parameters
    ----------
    elements : dict of {object: list of list of int}
        What is drawn as one element, for each Nengo object.
    column : dict of {object: int}
        The column of each.

    Returns
    -------
    dict of {object: (n_elements, 2) array}
        The centre of each element.
    """
    places = {}
    for number in set(column.values()):
        stack = [obj for obj in elements if column[obj] == number]
        y = 0.0
        for obj in stack:
            ys = y - ELEMENT * np.arange(len(elements[obj]))
            places[obj] = np.stack([np.full(len(ys), number * COLUMN), ys], axis=1)
            y = ys[-1] - ELEMENT - OBJECT
        middle = (places[stack[0]][0, 1] + places[stack[-1]][-1, 1]) / 2
        for obj in stack:
            places[obj][:, 1] -= middle
    return places


def bundles(edges):
    """Group the edges of a connection that can share a line: one end is the same."""
    by_pre, by_post = {}, {}
    for edge in edges:
        by_pre.setdefault((edge.sign, edge.pre), []).append(edge)
        by_post.setdefault((edge.sign, edge.post), []).append(edge)
    return list(min(by_pre, by_post, key=len).values())


def find_lanes(groups, column):
    """Find a free lane for each group: forward below the columns, backward above.

    Parameters
    ----------
    groups : list of list of Edge
        Edges that share a line.
    column : dict of {object: int}
        The column of each object.

    Returns
    -------
    list of Lane
        The lanes, the outermost first.
    """

    def span(group):
        connection = group[0].connection
        return column[connection.pre_obj], column[connection.post_obj]

    lanes, taken = [], {}
    for group in sorted(groups, key=lambda group: abs(np.diff(span(group))[0])):
        start, end = span(group)
        side = "below" if end > start else "above"
        across = set(range(min(start, end), max(start, end)))
        level = 0
        while across & taken.setdefault((side, level), set()):
            level += 1
        taken[side, level] |= across
        lanes.append(Lane(group, side, level))
    return sorted(lanes, key=lambda lane: -lane.level)


def draw_object(ax, obj, members, places, is_input):
    """Draw a node or neurons: a named box around its elements."""
    is_node = isinstance(obj, nengo.Node)
    (x, top), bottom = places[0], places[-1, 1]
    ax.add_patch(
        FancyBboxPatch(
            (x - MARGIN, bottom - MARGIN),
            2 * MARGIN,
            top - bottom + 2 * MARGIN,
            boxstyle="round,pad=0,rounding_size=0.15",
            facecolor="#f2f2f2",
            edgecolor="#bbbbbb",
            linewidth=0.8,
            zorder=0,
        )
    )
    name = obj.label if is_node else obj.ensemble.label
    if not is_node:
        name += f"\n{obj.size_in} {type(obj.ensemble.neuron_type).__name__}"
    write(ax, x, top + MARGIN + 0.08, name, verticalalignment="bottom", fontsize=8.5)
    for number, (member, centre) in enumerate(zip(members, places), start=1):
        style = {"facecolor": "white", "edgecolor": "k", "zorder": 3}
        if is_node:
            corner = centre - RADIUS
            ax.add_patch(Rectangle(corner, 2 * RADIUS, 2 * RADIUS, **style))
        else:
            ax.add_patch(Circle(centre, RADIUS, **style))
        text = str(len(member)) if len(member) > 1 else ""
        if is_input:
            text = f"$x_{number}$"
        elif is_node and obj.output is not None:
            text = f"{obj.output[number - 1]:g}".replace("-", "\N{MINUS SIGN}")
        ax.text(*centre, text, ha="center", va="center", fontsize=7, zorder=4)


def draw_straight(ax, edges, places):
    """Draw a connection to the next column."""
    for edge in edges:
        (x0, y0), (x1, y1) = ends(edge, places)
        draw_line(ax, Curve([(x0 + RADIUS, y0), (x1 - RADIUS, y1)]), edge.sign)
    highest = max(np.mean([y for _, y in ends(edge, places)]) for edge in edges)
    write_synapse(ax, x0 + COLUMN / 2, highest + 0.3, edges)


def draw_arcs(ax, edges, places):
    """Draw a connection of an object with itself."""
    for edge in edges:
        (x, start), (_, end) = ends(edge, places)
        # both directions between two elements share an arc, but not its ends
        aside = 0.1 * np.sign(start - end)
        reach = RADIUS + 0.5 * abs(end - start)
        xs = x + np.array([RADIUS, reach, reach, RADIUS])
        ys = [start - aside, start, end, end + aside]
        codes = [Curve.MOVETO, *[Curve.CURVE4] * 3]
        draw_line(ax, Curve(np.stack([xs, ys], axis=1), codes), edge.sign)
    centres = places[edges[0].connection.pre_obj]
    x, y = centres.mean(axis=0)
    write_synapse(ax, x + RADIUS + 0.375 * np.ptp(centres[:, 1]), y, edges)


def draw_lanes(ax, lanes, places, column, edge_of_columns):
    """Draw connections that go past other columns."""
    lines = {}

    def next_line(obj, direction, side):
        """Where the next vertical line beside an object goes, the first one closest."""
        key = column[obj], direction, side
        lines[key] = lines.get(key, -1) + 1
        return column[obj] * COLUMN + direction * (ASIDE[side] + LINE * lines[key])

    for lane in lanes:
        connection = lane.edges[0].connection
        leave = next_line(connection.pre_obj, +1, lane.side)
        arrive = next_line(connection.post_obj, -1, lane.side)
        distance = LANE * (lane.level + 0.8)
        y = edge_of_columns[lane.side]
        y += distance if lane.side == "above" else -distance
        for edge in lane.edges:
            (x0, y0), (x1, y1) = ends(edge, places)
            corners = [(x0 + RADIUS, y0), (leave, y0), (leave, y)]
            corners += [(arrive, y), (arrive, y1), (x1 - RADIUS, y1)]
            draw_line(ax, rounded(corners), edge.sign)
        write_synapse(ax, (leave + arrive) / 2, y, lane.edges)


def ends(edge, places):
    """Centres of the elements at both ends of an edge."""
    connection = edge.connection
    pre, post = places[connection.pre_obj], places[connection.post_obj]
    return pre[edge.pre], post[edge.post]


def draw_line(ax, path, sign):
    """Draw an edge; its end says its sign, as its color does."""
    head = "-" if sign == "-" else "-|>,head_length=0.4,head_width=0.16"
    ax.add_patch(
        FancyArrowPatch(
            path=path,
            arrowstyle=head,
            mutation_scale=10,
            color=COLORS[sign],
            linewidth=1.1,
            joinstyle="miter",
            zorder=1,
        )
    )
    if sign == "-":
        # past the border of the element, which is drawn over it
        ax.plot(*path.vertices[-1], "o", color=COLORS[sign], markersize=4.5, zorder=4)


def rounded(corners, radius=0.15):
    """Path along straight lines between corners, which are rounded off."""
    corners = np.asarray(corners, dtype=float)
    vertices, codes = [corners[0]], [Curve.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:]):
        to_before, to_after = before - corner, after - corner
        reach = min(radius, np.hypot(*to_before) / 2, np.hypot(*to_after) / 2)
        vertices += [
            corner + reach * to_before / np.hypot(*to_before),
            corner,
            corner + reach * to_after / np.hypot(*to_after),
        ]
        codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
    return Curve([*vertices, corners[-1]], [*codes, Curve.LINETO])


def write_synapse(ax, x, y, edges):
    """Name the synapse of a connection, if it has one."""
    synapse = edges[0].connection.synapse
    if synapse is not None:
        # the mean time constant of its poles
        tau = synapse.den[-2] / (len(synapse.den) - 1)
        text = f"{1000 * tau:.2g} ms" if tau > 0 else "one step"
        write(ax, x, y, text, verticalalignment="center", fontsize=8, style="italic")


def write(ax, x, y, text, **options):
    """Write on a white ground, over all lines."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(x, y, text, horizontalalignment="center", zorder=5, bbox=ground, **options)


def draw_legend(ax, signs, has_populations):
    """Say what shapes and colors mean."""
    shape = {"linestyle": "", "markerfacecolor": "white", "markeredgecolor": "k"}
    handles = [
        Line2D([], [], color=COLORS[sign], marker="o" * (sign == "-"), markersize=4.5)
        for sign in MEANINGS
        if sign in signs
    ]
    labels = [meaning for sign, meaning in MEANINGS.items() if sign in signs]
    handles.append(Line2D([], [], marker="s", **shape))
    labels.append("value")
    if signs != {"max"}:
        handles.append(Line2D([], [], marker="o", **shape))
        labels.append("population (number of neurons)" if has_populations else "neuron")
    ax.legend(
        handles,
        labels,
        loc="lower center",
        # five are wider than the narrowest picture
        ncols=len(handles) if len(handles) < 5 else 3,
        frameon=False,
        fontsize=8,
        borderaxespad=0.2,
        columnspacing=1.5,
    )


def draw_all(folder):
    """Draw every circuit for one pool of four inputs.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to write ``NAME.svg`` for each circuit.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    for name in mpc.circuits():
        figure = draw(mpc.make(name, windows, add_to_container=False))
        figure.savefig(folder / f"{name}.svg")
        plt.close(figure)


if __name__ == "__main__":
    draw_all(sys.argv[1])
