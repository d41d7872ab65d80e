package org.crosswind.app

import android.app.TimePickerDialog
import android.content.DialogInterface
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.view.inputmethod.EditorInfo
import android.widget.Button
import android.widget.EditText
import android.widget.Spinner
import android.widget.Switch
import android.widget.TextView
import java.time.Duration
import org.crosswind.app.model.Field
import org.crosswind.app.model.Form
import org.crosswind.app.model.Widget
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowDialog

/** The main screen as a person uses it. */
class FormPage(private val activity: MainActivity) {
    val fields: List<Field> = Form(Published.card).fields

    fun input(name: String): View = activity.findViewById<View>(R.id.form).findViewWithTag(name)

    fun edit(name: String): EditText = input(name) as EditText

    fun text(id: Int): String = activity.findViewById<TextView>(id).text.toString()

    /** What the answer says, line by line. */
    fun answer(): List<String> =
        all(activity.findViewById(R.id.result)).filterIsInstance<TextView>().filter { it.isShown }.map { it.text.toString() }

    fun shows(id: Int): Boolean = activity.findViewById<View>(id).isShown

    /** What each field shows. */
    fun shown(): Map<String, String> = fields.associate { field ->
        field.name to when (val input = input(field.name)) {
            is Switch -> input.isChecked.toString()
            is TextView -> input.text.toString()
            else -> (input as Spinner).selectedItem.toString()
        }
    }

    fun tap(id: Int) {
        activity.findViewById<View>(id).performClick()
        settle()
    }

    /** Types as a keyboard does, over what is there. */
    fun type(name: String, text: String) {
        val edit = edit(name)
        edit.requestFocus()
        edit.selectAll()
        edit.onCreateInputConnection(EditorInfo()).commitText(text, 1)
        settle()
    }

    /** Enters a raw row, field by field. */
    fun enter(row: Map<String, Any?>) = fields.forEach { enter(it, row[it.name]) }

    /**
     * Enters of a raw row what must be, and so neither what may be missing nor what is typical.
     *
     * @param distances whether they are entered too, over what the app fills in.
     */
    fun enterNeeded(row: Map<String, Any?>, distances: Boolean = true) {
        val must = fields.filterNot { it.feature.optional || it.isTypical }
        val (filled, needed) = must.partition { it.widget == Widget.DISTANCE }
        (if (distances) needed + filled else needed).forEach { enter(it, row[it.name]) }
    }

    /** What is said of a field that was refused; null where nothing is. */
    fun refusal(name: String): String? {
        val wrong: TextView? = (input(name).parent as? View)?.findViewById(R.id.wrong)
        if (wrong == null) return (input(name) as? EditText)?.error?.toString()
        return wrong.text.toString().takeIf { wrong.isShown }
    }

    fun enter(name: String, value: Any?) = enter(fields.single { it.name == name }, value)

    private fun enter(field: Field, value: Any?) {
        val number = (value as? Number)?.toDouble()
        when (field.widget) {
            Widget.CHOICE -> (input(field.name) as Spinner).setSelection(field.feature.values.indexOf(value) + 1)
            Widget.WEEKDAY -> (input(field.name) as Spinner).setSelection(number?.toInt()?.plus(1) ?: 0)
            Widget.SWITCH -> (input(field.name) as Switch).isChecked = number == 1.0
            Widget.TIME -> pick(input(field.name) as Button, number?.toInt())
            Widget.PERCENT -> type(field.name, number?.let { "${it * 100}" }.orEmpty())
            Widget.NUMBER, Widget.DISTANCE, Widget.TEXT -> type(field.name, value?.toString().orEmpty())
        }
        settle()
    }

    private fun pick(time: Button, minutes: Int?) {
        time.performClick()
        val dialog = ShadowDialog.getLatestDialog() as TimePickerDialog
        minutes?.let { dialog.updateTime(it / 60, it % 60) }
        val button = if (minutes == null) DialogInterface.BUTTON_NEUTRAL else DialogInterface.BUTTON_POSITIVE
        dialog.getButton(button).performClick()
    }

    companion object {
        /** Lets the main thread do what was posted to it. */
        fun settle() = shadowOf(Looper.getMainLooper()).idle()

        /** The same, and lets what moves arrive. */
        fun rest() = shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2))

        /** [view] and every view below it. */
        fun all(view: View): List<View> {
            val below = (view as? ViewGroup)?.run { List(childCount, ::getChildAt) }.orEmpty()
            return listOf(view) + below.flatMap(::all)
        }
    }
}
